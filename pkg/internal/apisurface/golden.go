package apisurface

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// golden is the file that holds the listing, in the folder of the test.
const golden = "testdata/api.txt"

// Check compares the surface of the package in the test's folder with its golden
// file, which it writes if update says so, and fails when a type of one of the
// forbidden packages appears in the surface.
func Check(t *testing.T, update bool, forbidden ...string) {
	t.Helper()
	listing, err := Of(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range forbidden {
		if slices.Contains(listing.Imports, path) {
			t.Errorf("a type of %s appears in the exported API; its next version would be a breaking change of ours", path)
		}
	}
	got := strings.Join(listing.Lines, "\n") + "\n"
	if update {
		write(t, got)
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the exported API differs from %s; if that is meant, run go test with -update\n%s", golden, difference(string(want), got))
	}
}

func write(t *testing.T, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(golden), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(golden, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// difference lists the lines that went and those that came.
func difference(was, is string) string {
	before, after := strings.Split(was, "\n"), strings.Split(is, "\n")
	var lines []string
	for _, line := range before {
		if !slices.Contains(after, line) {
			lines = append(lines, "- "+line)
		}
	}
	for _, line := range after {
		if !slices.Contains(before, line) {
			lines = append(lines, "+ "+line)
		}
	}
	return strings.Join(lines, "\n")
}
