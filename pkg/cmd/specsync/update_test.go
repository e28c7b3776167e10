package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const newCode = "package gen // of the new document\n"

// tool stands in for the go command. It writes what the generator would, and fails at
// the step that holds the word failing.
func tool(failing string, at func(dir string)) *app {
	return &app{execute: func(_ context.Context, dir string, command ...string) error {
		at(dir)
		if failing != "" && strings.Contains(strings.Join(command, " "), failing) {
			return errors.New("because of the test")
		}
		return os.WriteFile(filepath.Join(dir, generatedFile), []byte(newCode), 0o600)
	}}
}

func nothing(string) {}

// The published document is written to openapi.yaml byte for byte, whatever changed.
func TestUpdate(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"breaking":   published(t, "kvm_id:", "server_id:"),
		"wording":    published(t, "Which server.", "A server."),
		"no change":  "# a comment\n" + published(t, "schemas/success_7", "schemas/success_8", "success_7:", "success_8:"),
		"line ends":  strings.ReplaceAll(published(t), "\n", "\r\n"),
		"with tests": published(t, "description: Broken.", "description: ' Broken.  '"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := module(t)
			want := files(t, root)
			want["/openapi.yaml"], want["/gen/edis.gen.go"] = content, newCode
			spec := put(t, filepath.Join(t.TempDir(), "page.md"), "# Page\n\n~~~yaml\n"+content+"~~~\n")
			var steps int
			got := run(t, tool("", func(dir string) {
				steps++
				if seen := files(t, dir); seen["/openapi.yaml"] != content || seen["/overlay.yaml"] == "" {
					t.Errorf("a step runs in a directory with %v", seen)
				}
				if strings.HasPrefix(dir, root) {
					t.Errorf("a step runs in %s, which is in the module", dir)
				}
			}), root, "update", spec)
			if got.status != exitDone || steps != 3 || !strings.Contains(got.stdout, "concerns us changed") || !strings.Contains(got.stdout, "openapi.yaml and gen/edis.gen.go are updated") {
				t.Errorf("update = %+v after %d steps, want success after 3", got, steps)
			}
			if after := files(t, root); !maps.Equal(after, want) {
				t.Errorf("the tree is %v\nwant %v", after, want)
			}
		})
	}
}

func TestUpdateNothing(t *testing.T) {
	t.Parallel()
	root := module(t)
	before := files(t, root)
	got := run(t, tool("go", nothing), root, "update", "testdata/openapi.yaml")
	if want := "nothing changed, not a byte; openapi.yaml and gen/ stay as they are\n"; got.status != exitDone || got.stdout != want {
		t.Errorf("update = %+v, want %s", got, want)
	}
	if !maps.Equal(files(t, root), before) {
		t.Error("the tree changed")
	}
}

// Schemas that refer to each other twice expand without end in what is generated.
func TestManyReferences(t *testing.T) {
	t.Parallel()
	var schemas strings.Builder
	for i := range 30 {
		fmt.Fprintf(&schemas, "    s%d: {allOf: [{$ref: '#/components/schemas/s%d'}, {$ref: '#/components/schemas/s%[2]d'}]}\n", i, i+1)
	}
	schemas.WriteString("    s30: {type: object}\n")
	root := module(t)
	before := files(t, root)
	spec := put(t, filepath.Join(t.TempDir(), "page.yaml"), published(t, "  schemas:\n", "  schemas:\n"+schemas.String()))
	started := time.Now()
	got := run(t, tool("", nothing), root, "update", spec)
	if took := time.Since(started); got.status != exitUnusable || !strings.Contains(got.stderr, "more than 24 references") || took > 10*time.Second {
		t.Errorf("update = %+v after %v, want it to be refused within 10 s", got, took)
	}
	if !maps.Equal(files(t, root), before) {
		t.Error("the tree changed")
	}
}

// Only the page of the vendored operation is adopted.
func TestUpdateWrongPage(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"whole":           whole(t),
		"other operation": published(t, "/set/ptr:", "/get/ptr:"),
		"moved":           published(t, "/set/ptr:", "/v3/set/ptr:"),
		"none":            "openapi: 3.0.0\npaths: {}\n",
	} {
		root := module(t)
		before := files(t, root)
		got := run(t, tool("", nothing), root, "update", put(t, filepath.Join(t.TempDir(), "spec"), content))
		if got.status != exitUnusable || !strings.Contains(got.stderr, "spec-check accepts the whole document, but only that page is vendored") {
			t.Errorf("%s: update = %+v, want exit status %d", name, got, exitUnusable)
		}
		if !maps.Equal(files(t, root), before) {
			t.Errorf("%s: the tree changed", name)
		}
	}
}

// A failure names the step and leaves the tree as it was.
func TestUpdateFails(t *testing.T) {
	t.Parallel()
	spec := put(t, filepath.Join(t.TempDir(), "spec"), published(t, "kvm_id:", "server_id:"))
	for word, want := range map[string]string{
		"generate": `the tree is as before: step "go generate ." failed: because of the test`,
		"build":    `the tree is as before: step "go build ./..." failed: because of the test`,
		"test":     `the tree is as before: step "go test -count=1 -run=^TestContract ./pkg/edis" failed: because of the test`,
	} {
		root := module(t)
		before := files(t, root)
		got := run(t, tool(word, nothing), root, "update", spec)
		if got.status != exitFailed || !strings.Contains(got.stderr, want) || !strings.HasSuffix(got.stderr, "specsync update: exit status 1\n") {
			t.Errorf("update = %+v, want %d, %s", got, exitFailed, want)
		}
		if !maps.Equal(files(t, root), before) {
			t.Errorf("after a failure of %s the tree changed", word)
		}
	}
}

// The first file is put back if the second cannot be replaced.
func TestUpdateRenameFails(t *testing.T) {
	t.Parallel()
	root := module(t)
	spec := put(t, filepath.Join(t.TempDir(), "spec"), published(t, "kvm_id:", "server_id:"))
	got := run(t, tool("", func(string) { // a directory that is not empty cannot be replaced
		_ = os.Remove(filepath.Join(root, generatedFile))
		put(t, filepath.Join(root, generatedFile, "file"), "")
	}), root, "update", spec)
	if got.status != exitFailed || !strings.Contains(got.stderr, "edis.gen.go") {
		t.Errorf("update = %+v, want a failure that names edis.gen.go", got)
	}
	after := files(t, root)
	if after["/openapi.yaml"] != testdata(t, "openapi.yaml") || len(after) != 4 {
		t.Errorf("the tree is %v, want the old openapi.yaml and nothing new", after)
	}
}

// Nothing changes if the files cannot be written.
func TestUpdateCannotWrite(t *testing.T) {
	t.Parallel()
	root := module(t)
	spec := put(t, filepath.Join(t.TempDir(), "spec"), published(t, "kvm_id:", "server_id:"))
	got := run(t, tool("", func(string) { _ = os.RemoveAll(filepath.Join(root, "gen")) }), root, "update", spec)
	if got.status != exitFailed || !strings.Contains(got.stderr, filepath.Join(root, "gen")) {
		t.Errorf("update = %+v, want a failure that names %s", got, filepath.Join(root, "gen"))
	}
	if after := files(t, root); after["/openapi.yaml"] != testdata(t, "openapi.yaml") || len(after) != 3 {
		t.Errorf("the tree is %v, want the old openapi.yaml and nothing new", after)
	}
}

func TestUpdateInterrupted(t *testing.T) {
	t.Parallel()
	root := module(t)
	before := files(t, root)
	ctx, cancel := context.WithCancel(t.Context())
	spec := put(t, filepath.Join(t.TempDir(), "spec"), published(t, "kvm_id:", "server_id:"))
	a := tool("", func(string) { cancel() })
	a.stdout, a.stderr = new(strings.Builder), new(strings.Builder)
	a.root = root
	if got := a.exec(ctx, []string{"update", spec}); got != exitFailed {
		t.Errorf("update = %d, want %d", got, exitFailed)
	}
	if !maps.Equal(files(t, root), before) {
		t.Error("the tree changed")
	}
}

// A command runs in its directory, its error holds the end of what it printed,
// and it ends with the context.
func TestExecute(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "go.mod"), "module example.com/m\n\ngo 1.26\n")
	put(t, filepath.Join(dir, "m.go"), "package m\n\nvar x int = \"a\u202e\"\n")
	if err := execute(t.Context(), dir, "go", "list", "./..."); err != nil {
		t.Errorf("go list in %s: %v", dir, err)
	}
	err := execute(t.Context(), dir, "go", "vet", "./...")
	if err == nil || !strings.Contains(err.Error(), "m.go:3:13") || strings.Contains(err.Error(), "\u202e") {
		t.Errorf("go vet = %v, want its output", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if err := execute(ctx, dir, "sleep", "60"); err == nil || time.Since(begin) > 30*time.Second {
		t.Errorf("sleep = %v after %v, want it interrupted", err, time.Since(begin))
	}
}
