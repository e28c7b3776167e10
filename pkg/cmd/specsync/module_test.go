package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// result is the outcome of a run of specsync.
type result struct {
	status         int
	stdout, stderr string
}

// run runs specsync on a module with the documents in testdata.
func run(t *testing.T, a *app, root string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	a.stdout, a.stderr = &stdout, &stderr
	a.root = root
	status := a.exec(t.Context(), args)
	return result{status, stdout.String(), stderr.String()}
}

// module returns a directory with the files that specsync reads and writes.
func module(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	put(t, filepath.Join(root, "openapi.yaml"), testdata(t, "openapi.yaml"))
	put(t, filepath.Join(root, "overlay.yaml"), testdata(t, "overlay.yaml"))
	put(t, filepath.Join(root, "gen", "edis.gen.go"), "package gen // of the old document\n")
	put(t, filepath.Join(root, ".git", "config"), "not to be copied")
	return root
}

func put(t *testing.T, name, content string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func testdata(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// published returns the document in testdata with texts replaced, each of which
// must be there: old, new, old, new.
func published(t *testing.T, replacements ...string) string {
	t.Helper()
	return replace(t, testdata(t, "openapi.yaml"), replacements...)
}

func replace(t *testing.T, content string, replacements ...string) string {
	t.Helper()
	for pair := range slices.Chunk(replacements, 2) {
		if !strings.Contains(content, pair[0]) {
			t.Fatalf("the document does not have %q", pair[0])
		}
		content = strings.Replace(content, pair[0], pair[1], 1)
	}
	return content
}

// files returns all files below a directory, and their content.
func files(t *testing.T, root string) map[string]string {
	t.Helper()
	found := make(map[string]string)
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		found[strings.TrimPrefix(path, root)] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
