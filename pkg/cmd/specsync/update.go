package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	osexec "os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const vendoredFile, generatedFile = "openapi.yaml", "gen/edis.gen.go"

// steps must succeed in a copy of the module before the module changes.
var steps = []string{"go generate .", "go build ./...", "go test -count=1 -run=^TestContract ./pkg/edis"}

const nextSteps = `
openapi.yaml and gen/edis.gen.go are updated. Look at git diff openapi.yaml; remove what is redundant in
overlay.yaml and run make generate; run make check lint test race demo; add a line to CHANGELOG.md.
`

// update takes in a document that has been compared.
func (a *app) update(ctx context.Context, c *comparison) (int, error) {
	if !c.isPage {
		return exitUnusable, errors.New("not the page of the one operation that openapi.yaml has: spec-check accepts the whole document, but only that page is vendored")
	}
	err := try(func() {
		old := must(os.ReadFile(a.path(vendoredFile)))
		if bytes.Equal(old, c.document) {
			fmt.Fprintln(a.stdout, "nothing changed, not a byte; openapi.yaml and gen/ stay as they are")
			return
		}
		c.report(a.stdout)
		a.takeIn(ctx, old, c.document)
		fmt.Fprint(a.stdout, nextSteps)
	})
	if err != nil {
		return exitFailed, fmt.Errorf("the tree is as before: %w", err)
	}
	return exitDone, nil
}

// takeIn runs the steps in a copy of the module, and then replaces the two files.
// The name of the copy keeps it from being copied, should it be in the module.
func (a *app) takeIn(ctx context.Context, old, document []byte) {
	dir := must(os.MkdirTemp("", ".specsync-*"))
	defer func() { _ = os.RemoveAll(dir) }()
	check(os.CopyFS(dir, visible{os.DirFS(a.root)}))
	check(os.WriteFile(filepath.Join(dir, vendoredFile), document, 0o600))
	for _, step := range steps {
		fmt.Fprintln(a.stderr, "specsync: running", step)
		if err := a.execute(ctx, dir, strings.Fields(step)...); err != nil {
			check(fmt.Errorf("step %q failed: %w", step, err))
		}
	}
	check(ctx.Err())
	a.replace(old, document, must(os.ReadFile(filepath.Join(dir, generatedFile)))) //nolint:gosec // in a directory of our own
}

// visible is a file system without hidden directories, such as .git, and without
// what is neither file nor directory.
type visible struct{ fs.FS }

func (v visible) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(v.FS, name)
	return slices.DeleteFunc(entries, func(entry fs.DirEntry) bool {
		return !entry.Type().IsRegular() && (!entry.IsDir() || strings.HasPrefix(entry.Name(), "."))
	}), err
}

// replace puts both files in place. All is on the disk, the old document too,
// before the first file changes, so that hardly anything is left to fail.
func (a *app) replace(old, document, code []byte) {
	targets, staged := []string{a.path(vendoredFile), a.path(generatedFile), a.path(vendoredFile)}, []string{}
	for i, content := range [][]byte{document, code, old} {
		file := must(os.CreateTemp(filepath.Dir(targets[i]), ".specsync-*"))
		staged = append(staged, file.Name())
		defer func() { _ = os.Remove(staged[i]) }()
		_, err := file.Write(content)
		check(errors.Join(err, file.Chmod(0o644), file.Sync(), file.Close()))
	}
	check(os.Rename(staged[0], targets[0]))
	if err := os.Rename(staged[1], targets[1]); err != nil {
		check(errors.Join(err, os.Rename(staged[2], targets[2])))
	}
}

func (a *app) path(name string) string { return filepath.Join(a.root, name) }

// execute runs a command in a directory.
func execute(ctx context.Context, dir string, command ...string) error {
	cmd := osexec.CommandContext(ctx, command[0], command[1:]...) //nolint:gosec // one of steps
	cmd.Dir, cmd.WaitDelay = dir, 5*time.Second
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // lets go stop its children
	output, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	lines := strings.Split(strings.TrimSpace(string(output)), "\n")
	for _, line := range lines[max(len(lines)-20, 0):] {
		err = fmt.Errorf("%w\n%s", err, printable(line, maxLine)) // it may quote the document
	}
	return err
}
