package edis_test

import (
	"os"
	"strings"
	"testing"
)

// The program in README.md is the Example of this package, so it compiles and
// does what it says.
func TestReadmeProgramIsTheExample(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, program, _ := strings.Cut(string(readme), "```go\n")
	program, _, _ = strings.Cut(program, "```\n")
	want := strings.NewReplacer(
		"package edis_test", "package main",
		"func Example()", "func main()",
		"\t// Output: set, and confirmed by a valid response\n", "",
	).Replace(string(example))
	if program != want {
		t.Errorf("README.md has the program\n%s\nwant that of example_test.go\n%s", program, want)
	}
}
