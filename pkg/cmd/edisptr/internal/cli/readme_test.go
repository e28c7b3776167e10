package cli

import (
	"os"
	"strings"
	"testing"
)

// The command line session in README.md works as printed there.
func TestTourInReadme(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../../../../README.md")
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
	server.SetForwardRecords(true)
	for _, command := range commands[1:] {
		line, want, _ := strings.Cut(command, "\n")
		line, _, _ = strings.Cut(line, " #")
		stdin := ""
		if text, piped, ok := strings.Cut(line, " | "); ok {
			stdin, line = strings.Trim(strings.TrimPrefix(text, "echo "), "'")+"\n", piped
		}
		got := runWith(t.Context(), strings.NewReader(stdin), env, strings.Fields(line)[1:]...)
		if (got != result{exitOK, want, ""}) {
			t.Errorf("$ %s\nprints\n%s%s\nwith status %d, want\n%s", line, got.stdout, got.stderr, got.status, want)
		}
	}
}
