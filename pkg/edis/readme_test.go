package edis_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The program in README.md is the Example of this package, so it compiles and its
// output is tested.
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
	want := regexp.MustCompile(`\t// Output: .*\n`).ReplaceAllString(string(example), "")
	want = strings.NewReplacer("package edis_test", "package main", "func Example()", "func main()").Replace(want)
	if program != want {
		t.Errorf("the program in README.md is\n%s\nwant that of example_test.go\n%s", program, want)
	}
}

// The code for many servers in README.md is a part of Example_manyServers.
func TestReadmeFleetIsTheExample(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("example_fleet_test.go")
	if err != nil {
		t.Fatal(err)
	}
	part := strings.Split(string(readme), "```go\n")[2]
	part, _, _ = strings.Cut(part, "```\n")
	part = regexp.MustCompile(`(?m)^(.)`).ReplaceAllString(part, "\t$1")
	if !strings.Contains(string(example), part) {
		t.Errorf("example_fleet_test.go does not have this code of README.md:\n%s", part)
	}
}
