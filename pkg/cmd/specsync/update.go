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
	"strings"
	"time"
)

// generated is the file that the generator writes.
const generated = "gen/edis.gen.go"

// steps are what must succeed in a copy of the module before the module changes.
var steps = []struct {
	name    string
	command []string
}{
	{"generate", []string{"go", "generate", "."}},
	{"build", []string{"go", "build", "./..."}},
	{"contract tests", []string{"go", "test", "-count=1", "-run=^TestContract", "./pkg/edis"}},
}

// A stepError is the failure of a step; the tree is as before.
type stepError struct {
	step string
	err  error
}

func (e stepError) Error() string {
	return fmt.Sprintf("step %q failed, and the tree is as before: %v", e.step, e.err)
}

func (e stepError) Unwrap() error { return e.err }

// update takes SPEC in.
func (a *app) update(ctx context.Context, spec string) error {
	if err := a.recover(); err != nil {
		return stepError{"complete an interrupted update", err}
	}
	compared, err := a.compare(ctx, spec)
	switch {
	case err != nil:
		return err
	case len(compared.uncover) > 0:
		return fmt.Errorf("%s is the page of one operation, but openapi.yaml also holds %s, which would be lost; give the whole document",
			spec, strings.Join(compared.uncover, ", "))
	case len(compared.changes) == 0:
		fmt.Fprintln(a.stdout, "nothing changed; openapi.yaml and gen/ stay as they are")
		return nil
	}
	a.report(compared)
	code, err := a.rehearse(ctx, compared.document)
	if err != nil {
		return err
	}
	if err := a.swap(map[string][]byte{"openapi.yaml": compared.document, generated: code}); err != nil {
		return stepError{"put the files in place", err}
	}
	a.advise(compared)
	return nil
}

// rehearse takes the document in in a copy of the module, and returns what the
// generator made of it there.
func (a *app) rehearse(ctx context.Context, document []byte) (code []byte, err error) {
	dir, err := os.MkdirTemp("", "specsync-")
	if err != nil {
		return nil, stepError{"copy the module", err}
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := copyModule(dir, a.root); err != nil {
		return nil, stepError{"copy the module", err}
	}
	if err := os.WriteFile(filepath.Join(dir, "openapi.yaml"), document, 0o600); err != nil {
		return nil, stepError{"copy the module", err}
	}
	for _, step := range steps {
		fmt.Fprintf(a.stderr, "specsync: %s: %s\n", step.name, strings.Join(step.command, " "))
		if _, err := a.run(ctx, dir, step.command...); err != nil {
			return nil, stepError{step.name, err}
		}
	}
	code, err = os.ReadFile(filepath.Join(dir, generated)) //nolint:gosec // within our own folder
	if err != nil {
		return nil, stepError{"generate", err}
	}
	return code, nil
}

// copyModule copies all files but those in hidden folders, such as .git.
func copyModule(to, from string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, relative)
		switch {
		case entry.IsDir() && relative != "." && strings.HasPrefix(entry.Name(), "."):
			return filepath.SkipDir
		case entry.IsDir():
			return os.MkdirAll(target, 0o700)
		case !entry.Type().IsRegular():
			return nil
		}
		content, err := os.ReadFile(path) //nolint:gosec // a file of the module
		if err != nil {
			return err
		}
		return os.WriteFile(target, content, 0o600) //nolint:gosec // below a folder of our own
	})
}

// advise says what is left to a person after an update.
func (a *app) advise(c *comparison) {
	fmt.Fprintln(a.stdout, "\nopenapi.yaml and gen/ are updated. Look at:")
	fmt.Fprintln(a.stdout, "  the changes named above; git diff openapi.yaml shows them in full")
	if len(c.notes) > 0 {
		fmt.Fprintln(a.stdout, "  the actions of overlay.yaml named above: remove what is redundant, then run make generate")
	}
	fmt.Fprintln(a.stdout, "  make check lint test demo, which must pass")
	fmt.Fprintln(a.stdout, "\nFor CHANGELOG.md, under \"Changed\":")
	fmt.Fprintln(a.stdout, c.changelog())
}

// changelog is one line that sums up the changes.
func (c *comparison) changelog() string {
	var parts []string
	for g := breaking; g >= wording; g-- {
		var ids []string
		for _, change := range c.changes {
			if change.grade == g && (len(ids) == 0 || ids[len(ids)-1] != change.id) {
				ids = append(ids, change.id)
			}
		}
		if len(ids) > 0 {
			parts = append(parts, fmt.Sprintf("%s in %s", g, strings.Join(ids, ", ")))
		}
	}
	return "- Follows the provider's document as it is now published; changes: " + strings.Join(parts, "; ") + "."
}

// runCommand runs a command in a folder. The error holds the end of what it
// printed.
func runCommand(ctx context.Context, dir string, command ...string) ([]byte, error) {
	var stdout, stderr bytes.Buffer
	cmd := osexec.CommandContext(ctx, command[0], command[1:]...) //nolint:gosec // commands of ours
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // lets go stop its children
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", strings.Join(command, " "), err, ending(stdout.String()+stderr.String()))
	}
	return stdout.Bytes(), nil
}

// ending returns the last lines of a text.
func ending(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(len(lines)-20, 0):], "\n")
}
