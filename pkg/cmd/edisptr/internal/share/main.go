// Command share writes the man pages and the completion scripts of edisptr to a directory
// that is laid out like /usr/share. The Makefile runs it with "go run -buildvcs=true": the
// version and the date in the pages are those of its own build.
package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/edisptr/edis-go/pkg/cmd/edisptr/internal/cli"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "share:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return errors.New("requires the name of a directory")
	}
	root := cli.Command()
	return errors.Join(writePages(args[0], root, ownEdition()), writeCompletions(args[0], root))
}

// An edition is what the footer of a page says.
type edition struct {
	version string // such as v0.1.0
	date    string // such as 2026-01-31; empty if it is not known
}

// ownEdition returns the edition of this program, as go build stamps it.
func ownEdition() edition {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return edition{version: "(devel)"}
	}
	e := edition{version: cmp.Or(build.Main.Version, "(devel)")}
	for _, setting := range build.Settings {
		if setting.Key == "vcs.time" {
			e.date = setting.Value[:len("2006-01-02")]
		}
	}
	return e
}

// writePages writes the man page of a command and those of the commands below it.
func writePages(dir string, command *cobra.Command, e edition) error {
	name := filepath.Join(dir, "man", "man1", pageName(command)+".1")
	err := writeFile(name, func(w io.Writer) error {
		_, err := io.WriteString(w, manPage(command, e))
		return err
	})
	for _, inner := range command.Commands() {
		if inner.IsAvailableCommand() {
			err = errors.Join(err, writePages(dir, inner, e))
		}
	}
	return err
}

// writeCompletions writes the scripts to where the three shells look for them.
func writeCompletions(dir string, root *cobra.Command) error {
	return errors.Join(
		writeFile(filepath.Join(dir, "bash-completion", "completions", "edisptr"), func(w io.Writer) error { return root.GenBashCompletionV2(w, true) }),
		writeFile(filepath.Join(dir, "zsh", "site-functions", "_edisptr"), root.GenZshCompletion),
		writeFile(filepath.Join(dir, "fish", "vendor_completions.d", "edisptr.fish"), func(w io.Writer) error { return root.GenFishCompletion(w, true) }),
	)
}

func writeFile(name string, write func(io.Writer) error) error {
	var content bytes.Buffer
	if err := write(&content); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil { //nolint:gosec // for everybody, as all of /usr/share
		return err
	}
	return os.WriteFile(name, content.Bytes(), 0o644) //nolint:gosec // likewise
}
