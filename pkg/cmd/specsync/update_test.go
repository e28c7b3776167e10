package main

import (
	"context"
	"errors"
	"os"
	osexec "os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const newCode = "package gen // of the new document\n"

// generating stands for go: its generator writes newCode, and a step fails whose
// command holds the word.
func generating(failing string) tools {
	return tools{run: func(_ context.Context, dir string, command ...string) ([]byte, error) {
		if failing != "" && slices.Contains(command, failing) {
			return nil, errors.New("because of the test")
		}
		if slices.Contains(command, "generate") {
			return nil, os.WriteFile(filepath.Join(dir, generated), []byte(newCode), 0o600)
		}
		return nil, nil
	}}
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	root := module(t)
	before := files(t, root)
	got := run(t, generating(""), "--root", root, "update", "testdata/four.json")
	if got.status != exitSame {
		t.Fatalf("update = %+v, want success", got)
	}
	for _, line := range []string{
		"compatible  getPTR: POST /get/ptr is new in the document",
		"overlay.yaml, line 12: $.paths has become redundant",
		"- Follows the provider's document as it is now published; changes: compatible in getPTR.",
	} {
		if !strings.Contains(got.stdout, line) {
			t.Errorf("update prints %s\nwant %s", got.stdout, line)
		}
	}
	after := files(t, root)
	if after["/gen/edis.gen.go"] != newCode || after["/overlay.yaml"] != before["/overlay.yaml"] || len(after) != len(before) {
		t.Errorf("the tree is %v", after)
	}
	if document := after["/openapi.yaml"]; !strings.Contains(document, "/get/ptr:") || strings.Contains(document, "power") {
		t.Errorf("openapi.yaml is not what we use of the document:\n%s", document)
	}
	if got := run(t, generating("go"), "--root", root, "update", "testdata/four.json"); got.status != exitSame || got.stdout != "nothing changed; openapi.yaml and gen/ stay as they are\n" {
		t.Errorf("the second update = %+v, want nothing to do", got)
	}
}

// Whatever order the document is in, the same bytes come out.
func TestStableForm(t *testing.T) {
	t.Parallel()
	var all []string
	for _, file := range []string{"whole.json", "openapi.yaml"} {
		d, err := load(testdata(t, file))
		if err != nil {
			t.Fatal(err)
		}
		extracted, err := d.extract(d.usedOperations(nil))
		if err != nil {
			t.Fatal(err)
		}
		content, err := extracted.encode()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(content))
	}
	if all[0] != all[1] {
		t.Errorf("the order shows:\n%s\nand\n%s", all[0], all[1])
	}
}

func TestUpdateNothing(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"openapi.yaml", "page.md", "whole.json", "renumbered.yaml"} {
		root := module(t)
		before := files(t, root)
		if got := run(t, generating("go"), "--root", root, "update", filepath.Join("testdata", file)); got.status != exitSame {
			t.Errorf("update %s = %+v, want success", file, got)
		}
		wantFiles(t, root, before)
	}
}

func TestUpdateFailing(t *testing.T) {
	t.Parallel()
	for word, step := range map[string]string{"generate": "generate", "build": "build", "test": "contract tests"} {
		root := module(t)
		before := files(t, root)
		got := run(t, generating(word), "--root", root, "update", "testdata/host.yaml")
		want := `step "` + step + `" failed, and the tree is as before: because of the test`
		if got.status != exitFailed || !strings.Contains(got.stderr, want) {
			t.Errorf("update = %+v, want %d, %s", got, exitFailed, want)
		}
		wantFiles(t, root, before)
	}
}

// A move that fails takes back those before it.
func TestUpdateMoveFails(t *testing.T) {
	t.Parallel()
	root := module(t)
	with := generating("")
	with.reached = func(place string) {
		if place == "moving "+generated { // a folder with something in it cannot be replaced
			_ = os.Rename(filepath.Join(root, generated), filepath.Join(root, "aside"))
			put(t, filepath.Join(root, generated, "file"), nil)
		}
	}
	before := files(t, root)
	got := run(t, with, "--root", root, "update", "testdata/host.yaml")
	if got.status != exitFailed || !strings.Contains(got.stderr, `step "put the files in place" failed`) {
		t.Errorf("update = %+v, want a failure", got)
	}
	if after := files(t, root); after["/openapi.yaml"] != before["/openapi.yaml"] || after["/aside"] != before["/gen/edis.gen.go"] {
		t.Errorf("the tree is %v", after)
	}
}

// killAt names the place where TestKilled wants the program to die.
const killAt = "SPECSYNC_TEST_KILL_AT"

// TestMain is the program itself where TestKilled runs it.
func TestMain(m *testing.M) {
	place := os.Getenv(killAt)
	if place == "" {
		os.Exit(m.Run())
	}
	with := generating("")
	with.reached = func(at string) {
		if at != place {
			return
		}
		self, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = self.Kill()
		}
		if err != nil {
			panic(err)
		}
		select {}
	}
	os.Exit(exec(context.Background(), os.Args[1:], os.Stdout, os.Stderr, with))
}

// Killed at any point, the tree is as before, or complete, or the next run, with
// whatever document, makes it complete.
func TestKilled(t *testing.T) {
	t.Parallel()
	places := []string{"writing aside openapi.yaml", "writing aside edis.gen.go", "writing aside journal.json", "the decision"}
	complete := []string{"moving openapi.yaml", "moving gen/edis.gen.go", "clearing away"}
	for _, place := range append(places, complete...) {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			root := module(t)
			before := files(t, root)
			kill(t, root, place)
			if !slices.Contains(complete, place) {
				wantTree(t, root, before["/openapi.yaml"], before["/gen/edis.gen.go"])
			} else if got := run(t, tools{}, "--root", root, "check", "testdata/host.yaml"); got.status != exitUnusable || !strings.Contains(got.stderr, "interrupted half-way") {
				t.Errorf("check = %+v, want word of the interrupted update", got)
			}
			if got := run(t, generating(""), "--root", root, "update", "testdata/host.yaml"); got.status != exitSame {
				t.Fatalf("the next update = %+v, want success", got)
			}
			document := files(t, root)["/openapi.yaml"]
			if !strings.Contains(document, "https://dns-2.example") {
				t.Errorf("openapi.yaml is %s", document)
			}
			wantTree(t, root, document, newCode)
			if len(files(t, root)) != len(before) {
				t.Errorf("left behind: %v", files(t, root))
			}
		})
	}
}

func kill(t *testing.T, root, place string) {
	t.Helper()
	command := osexec.CommandContext(t.Context(), os.Args[0], "--root", root, "update", "testdata/host.yaml")
	command.Env = append(os.Environ(), killAt+"="+place)
	output, err := command.CombinedOutput()
	var exit *osexec.ExitError
	if !errors.As(err, &exit) || strings.Contains(string(output), "exit status") {
		t.Fatalf("killed at %q: %v\n%s", place, err, output)
	}
}

func wantTree(t *testing.T, root, document, code string) {
	t.Helper()
	if is := files(t, root); is["/openapi.yaml"] != document || is["/gen/edis.gen.go"] != code {
		t.Errorf("openapi.yaml is\n%s\nand gen is\n%s", is["/openapi.yaml"], is["/gen/edis.gen.go"])
	}
}

// An interrupted update whose files have been checked out since is dropped.
func TestDropped(t *testing.T) {
	t.Parallel()
	root := module(t)
	kill(t, root, "moving gen/edis.gen.go")
	put(t, filepath.Join(root, "openapi.yaml"), testdata(t, "openapi.yaml"))
	got := run(t, generating(""), "--root", root, "update", "testdata/page.md")
	if got.status != exitSame || !strings.Contains(got.stderr, "an interrupted update is dropped") {
		t.Errorf("update = %+v, want the interrupted one dropped", got)
	}
	wantTree(t, root, string(testdata(t, "openapi.yaml")), "package gen // of the old document\n")
}
