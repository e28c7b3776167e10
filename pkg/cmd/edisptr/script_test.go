package main

import (
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs the scripts in testdata/script, one for each command, which read like
// a session. Each has a fake EDIS of its own, with the environment of "edisptr sandbox".
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(script *testscript.Env) error {
			server, env := startSandbox(script.T().(testing.TB))
			addMailHost(server)
			for name, value := range env {
				script.Setenv(name, value)
			}
			return nil
		},
	})
}

// The tour of the command line in README.md goes as it is printed there.
func TestReadmeTour(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, tour, _ := strings.Cut(string(readme), "```console\n")
	tour, _, _ = strings.Cut(tour, "```\n")
	commands := strings.Split(tour, "$ ")[1:]
	if len(commands) < 5 || !strings.HasPrefix(commands[0], "edisptr sandbox -- ") {
		t.Fatalf("the tour of README.md has %d commands, want one that starts a sandbox, and others in it", len(commands))
	}
	server, env := startSandbox(t)
	addMailHost(server)
	for _, command := range commands[1:] {
		line, want, _ := strings.Cut(command, "\n")
		line, _, _ = strings.Cut(line, " #")
		if got := runShellCommand(t, env, line); got != want {
			t.Errorf("$ %s\nprints\n%s\nwant\n%s", line, got, want)
		}
	}
}
