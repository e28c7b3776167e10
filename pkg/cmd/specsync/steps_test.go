package main

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

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
