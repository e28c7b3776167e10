package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// Two files cannot be replaced in one step. So the new ones first stand complete
// in a folder, whose rename to journalDir decides that the update happens; from
// then on they are moved into place, by the next run if this one is killed. The
// folder ignores itself in git.
const (
	stagingDir  = ".specsync-new"
	journalDir  = ".specsync-ready"
	journalFile = "journal.json"
)

// targets are the files that an update replaces, in this order: were the second
// move lost with the journal, "make generate" would make up for it.
var targets = []string{"openapi.yaml", generated}

// A journal holds the checksums of the targets before and after the update.
type journal struct{ Before, After map[string]string }

// swap replaces the targets.
func (a *app) swap(content map[string][]byte) error {
	before := make(map[string][]byte)
	for _, target := range targets {
		old, err := os.ReadFile(a.in(target))
		if err != nil {
			return err
		}
		before[target] = old
	}
	if err := a.stage(before, content); err != nil {
		return errors.Join(err, os.RemoveAll(a.in(stagingDir)))
	}
	a.at("the decision")
	if err := os.Rename(a.in(stagingDir), a.in(journalDir)); err != nil {
		return errors.Join(err, os.RemoveAll(a.in(stagingDir)))
	}
	if err := a.finish(); err != nil {
		return errors.Join(err, a.restore(before))
	}
	return nil
}

// stage writes the new files and the journal, down to the disk.
func (a *app) stage(before, after map[string][]byte) error {
	if err := os.Mkdir(a.in(stagingDir), 0o700); err != nil {
		return err
	}
	entry, err := json.Marshal(journal{checksums(before), checksums(after)})
	if err != nil {
		return err
	}
	files := map[string][]byte{".gitignore": []byte("*\n"), journalFile: entry}
	for target, content := range after {
		files[filepath.Base(target)] = content
	}
	for _, name := range slices.Sorted(maps.Keys(files)) { // .gitignore comes first
		a.at("writing aside " + name)
		if err := writeSynced(filepath.Join(a.in(stagingDir), name), files[name]); err != nil {
			return err
		}
	}
	return nil
}

// writeSynced writes a file that anyone may read, as git would.
func writeSynced(name string, content []byte) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644) //nolint:gosec // source code is no secret
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	return errors.Join(err, file.Sync(), file.Close())
}

// finish moves into place what the journal folder still holds.
func (a *app) finish() error {
	for _, target := range targets {
		a.at("moving " + target)
		err := os.Rename(a.held(target), a.in(target))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	a.at("clearing away")
	return os.RemoveAll(a.in(journalDir))
}

// restore puts the old files back after a failed move.
func (a *app) restore(before map[string][]byte) error {
	for target, content := range before {
		if err := os.Remove(a.held(target)); err == nil {
			continue // it was not moved
		}
		if err := errors.Join(writeSynced(a.held(target), content), os.Rename(a.held(target), a.in(target))); err != nil {
			return fmt.Errorf("%s could not be put back, run git checkout %s: %w", target, target, err)
		}
	}
	return os.RemoveAll(a.in(journalDir))
}

// recover completes an update that was killed after its decision, and clears
// away one that was killed before.
func (a *app) recover() error {
	if err := os.RemoveAll(a.in(stagingDir)); err != nil {
		return err
	}
	if a.pending() == nil {
		return nil
	}
	if !a.asLeft() {
		fmt.Fprintln(a.stderr, "specsync: an interrupted update is dropped: its files have changed since")
		return os.RemoveAll(a.in(journalDir))
	}
	fmt.Fprintln(a.stderr, "specsync: completing an interrupted update")
	return a.finish()
}

// pending returns an error if an update waits to be completed.
func (a *app) pending() error {
	if _, err := os.Stat(a.in(journalDir)); err != nil {
		return nil //nolint:nilerr // there is no journal
	}
	return errors.New("an update was interrupted half-way; the next make spec-update completes it")
}

// asLeft tells whether the targets are as the interrupted update left them, and
// have not been changed or checked out since.
func (a *app) asLeft() bool {
	var entry journal
	content, err := os.ReadFile(filepath.Join(a.in(journalDir), journalFile))
	if err == nil {
		err = json.Unmarshal(content, &entry)
	}
	if err != nil {
		return false
	}
	for _, target := range targets {
		want := entry.After[target]
		if _, err := os.Stat(a.held(target)); err == nil {
			want = entry.Before[target]
		}
		if is, err := os.ReadFile(a.in(target)); err != nil || checksum(is) != want {
			return false
		}
	}
	return true
}

// at tells where the update is about to change the tree.
func (a *app) at(place string) {
	if a.reached != nil {
		a.reached(place)
	}
}

func (a *app) in(name string) string { return filepath.Join(a.root, filepath.FromSlash(name)) }
func (a *app) held(target string) string {
	return filepath.Join(a.in(journalDir), filepath.Base(target))
}

func checksums(files map[string][]byte) map[string]string {
	sums := make(map[string]string)
	for name, content := range files {
		sums[name] = checksum(content)
	}
	return sums
}

func checksum(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
