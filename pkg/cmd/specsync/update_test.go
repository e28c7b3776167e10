package main

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
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
			if got.status != exitDone || steps != 3 || !strings.Contains(got.stdout, "changed on the wire") || !strings.Contains(got.stdout, "openapi.yaml and gen/edis.gen.go are updated") {
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
		if got.status != exitFailed || !strings.Contains(got.stderr, want) || !strings.HasSuffix(got.stderr, "specsync: exit status 1\n") {
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

// A command runs in the directory that it is given, and its error quotes the last lines of
// what it printed, on standard output and standard error.
func TestExecuteQuotesTheEnd(t *testing.T) {
	t.Parallel()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	script := put(t, filepath.Join(dir, "script"), `i=0; while [ $i -lt 30 ]; do i=$((i+1)); echo "line $i."; done; pwd -P; echo "on standard error" >&2; exit 7`)
	err = execute(t.Context(), dir, "sh", script)
	if err == nil {
		t.Fatal("execute of a script that fails = nil")
	}
	lines := strings.Split(err.Error(), "\n")
	if want := []string{"line 30.", dir, "on standard error"}; len(lines) != 21 || lines[0] != "exit status 7" || !slices.Equal(lines[len(lines)-3:], want) {
		t.Errorf("execute = %q, want exit status 7 and the last 20 lines, which end in %q", lines, want)
	}
}

// The steps of an update run in this order, all in one copy of the module, and their
// output is in the error.
func TestStepsOfUpdate(t *testing.T) {
	t.Parallel()
	root := module(t)
	spec := put(t, filepath.Join(t.TempDir(), "spec"), published(t, "Which", "What"))
	var ran, dirs []string
	a := tool("", nothing)
	succeed := a.execute
	a.execute = func(ctx context.Context, dir string, command ...string) error {
		ran, dirs = append(ran, strings.Join(command, " ")), append(dirs, dir)
		return succeed(ctx, dir, command...)
	}
	if got := run(t, a, root, "update", spec); got.status != exitDone || !slices.Equal(ran, steps) {
		t.Errorf("update = %+v, runs %q, want %q", got, ran, steps)
	}
	if dirs = slices.Compact(dirs); len(dirs) != 1 || strings.HasPrefix(dirs[0], root) {
		t.Errorf("the steps run in %q, want one directory outside of the module", dirs)
	}
	if _, err := os.Stat(dirs[0]); !os.IsNotExist(err) {
		t.Errorf("the copy of the module is left: %v", err)
	}
	a.execute = func(ctx context.Context, dir string, _ ...string) error {
		return execute(ctx, dir, "sh", "-c", "cat gen/edis.gen.go; echo the reason >&2; exit 1")
	}
	spec = put(t, filepath.Join(t.TempDir(), "spec"), published(t, "Which", "That"))
	if got := run(t, a, root, "update", spec); got.status != exitFailed || !strings.Contains(got.stderr, "failed: exit status 1\n"+newCode+"the reason\n") {
		t.Errorf("update = %+v, want exit status %d and the output of the step", got, exitFailed)
	}
}

// If the disk is full when either file is written, the tree stays as it is.
func TestUpdateOnFullDisk(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("needs /dev/full")
	}
	spec := put(t, filepath.Join(t.TempDir(), "spec"), published(t, "kvm_id:", "server_id:"))
	for _, name := range []string{vendoredFile, generatedFile} {
		root := module(t)
		before := files(t, root)
		got := run(t, tool("", func(string) { // whatever is written to this name does not fit
			if err := os.Symlink("/dev/full", filepath.Join(root, name+".new")); err != nil && !os.IsExist(err) {
				t.Error(err)
			}
		}), root, "update", spec)
		if want := name + ".new: no space left on device"; got.status != exitFailed || !strings.Contains(got.stderr, want) || !strings.Contains(got.stderr, "the tree is as before") {
			t.Errorf("update with no room for %s = %+v, want exit status %d and %q", name, got, exitFailed, want)
		}
		for _, name := range []string{vendoredFile, generatedFile} { // or reading it would not end
			if info, err := os.Lstat(filepath.Join(root, name)); err != nil || !info.Mode().IsRegular() {
				t.Fatalf("update replaces %s with what could not be written", name)
			}
		}
		if after := files(t, root); !maps.Equal(after, before) {
			t.Errorf("update with no room for %s leaves %v, want the tree as before", name, after)
		}
	}
}

// A command ends with the context, and what it printed cannot control a terminal.
func TestExecuteEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if err := execute(ctx, t.TempDir(), "sleep", "60"); err == nil || time.Since(begin) > 30*time.Second {
		t.Errorf("sleep = %v after %v, want it interrupted", err, time.Since(begin))
	}
	a := &app{execute: func(ctx context.Context, dir string, _ ...string) error {
		return execute(ctx, dir, "sh", "-c", `printf 'FAIL\ta\342\200\256b\033[2J\n'; exit 1`)
	}}
	spec := put(t, filepath.Join(t.TempDir(), "spec"), published(t, "Which", "What"))
	if got := run(t, a, module(t), "update", spec); !strings.Contains(got.stderr, "\nFAIL\ta\ufffdb\ufffd[2J\n") {
		t.Errorf("update = %+v, want the output without control characters", got)
	}
}
