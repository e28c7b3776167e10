package edis_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Go code in README.md is a part of an example, so it compiles.
func TestCodeInReadmeIsOfExamples(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := readExamples(t)
	blocks := strings.Split(string(readme), "```go\n")[1:]
	if len(blocks) == 0 {
		t.Error("README.md has no Go code")
	}
	for _, block := range blocks {
		code, _, _ := strings.Cut(block, "```\n")
		if indented := regexp.MustCompile(`(?m)^(.)`).ReplaceAllString(code, "\t$1"); !strings.Contains(examples, indented) {
			t.Errorf("no example of edis or reconcile has this code of README.md:\n%s", code)
		}
	}
}

// readExamples returns the source of all examples of edis and reconcile.
func readExamples(t *testing.T) string {
	t.Helper()
	var sources strings.Builder
	for _, pattern := range []string{"example*_test.go", "../reconcile/example*_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("Glob(%q) = %v, %v, want files", pattern, files, err)
		}
		for _, file := range files {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			sources.Write(source)
		}
	}
	return sources.String()
}
