package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/edisptr/edis-go/pkg/cmd/edisptr/internal/cli"
)

// available returns a command and all below it that users see.
func available(command *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{command}
	for _, inner := range command.Commands() {
		if inner.IsAvailableCommand() {
			all = append(all, available(inner)...)
		}
	}
	return all
}

func TestEveryCommandHasAPageAndEveryShellAScript(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := run([]string{dir}); err != nil {
		t.Fatal(err)
	}
	starts := map[string]string{
		"bash-completion/completions/edisptr":    "# bash completion V2 for edisptr ",
		"zsh/site-functions/_edisptr":            "#compdef edisptr\n",
		"fish/vendor_completions.d/edisptr.fish": "# fish completion for edisptr ",
	}
	for _, command := range available(cli.Command()) {
		starts["man/man1/"+pageName(command)+".1"] = ".TH EDISPTR"
	}
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		name = filepath.ToSlash(name)
		content, err := os.ReadFile(path)
		if want, ok := starts[name]; !ok || !strings.HasPrefix(string(content), want) {
			t.Errorf("%s begins with %.40q, want %q", name, content, want)
		}
		delete(starts, name)
		return err
	})
	if err != nil {
		t.Error(err)
	}
	for name := range starts {
		t.Errorf("%s is missing", name)
	}
}

func TestPageHasAllOfTheHelp(t *testing.T) {
	t.Parallel()
	for _, command := range available(cli.Command()) {
		page := manPage(command, edition{})
		help := strings.ReplaceAll(command.Long, "Exit status:", "EXIT STATUS")
		words := strings.Fields(roff(command.Short + " " + help + " " + command.Example))
		command.Flags().VisitAll(func(flag *pflag.Flag) { words = append(words, bold("--"+flag.Name)) })
		for _, word := range words {
			if !strings.Contains(page, word) {
				t.Errorf("the page of %s has no %q", pageName(command), word)
			}
		}
	}
}

// A text of the help that changes could lose its section without being noticed.
func TestSectionsWithinTheHelp(t *testing.T) {
	t.Parallel()
	pages := make(map[string]string)
	for _, command := range available(cli.Command()) {
		pages[pageName(command)] = manPage(command, edition{})
	}
	for heading, names := range map[string][]string{
		"ENVIRONMENT": {"edisptr", "edisptr-set", "edisptr-apply", "edisptr-check"},
		"EXIT STATUS": {"edisptr", "edisptr-check"},
		"JSON OUTPUT": {"edisptr-set", "edisptr-get", "edisptr-delete", "edisptr-list", "edisptr-apply", "edisptr-check", "edisptr-servers", "edisptr-doctor"},
	} {
		for _, name := range names {
			if n := strings.Count(pages[name], "\n.SH "+heading+"\n"); n != 1 {
				t.Errorf("%s has %d sections %s, want 1", name, n, heading)
			}
		}
	}
}

func TestPage(t *testing.T) {
	t.Parallel()
	root := &cobra.Command{Use: "tool"}
	command := &cobra.Command{
		Use:     "do THING ...",
		Short:   "Do it",
		Long:    "Do does it.\n.5 is half.\n\nKeep this:\n  a: b\n    c: d\n\nExit status:\n  0  it's\n     done\n  1  failed",
		Example: "  tool do a-b",
		Run:     func(*cobra.Command, []string) {},
	}
	command.Flags().IntP("number", "n", 3, "this many `TIMES`")
	root.AddCommand(command)
	want := strings.Join([]string{
		`.TH TOOL\-DO 1 "2026-01-31" "edisptr v0.1.0" "User Commands"`, ".nh", ".ad l",
		".SH NAME", `tool\-do \- Do it`,
		".SH SYNOPSIS", `\fBtool do\fR THING ... [flags]`,
		".SH DESCRIPTION", "Do does it.", `\&.5 is half.`, ".PP", "Keep this:", ".PP", ".nf", "  a: b", "    c: d", ".fi",
		".SH EXIT STATUS", ".TP", `\fB0\fR`, `it\(aqs`, "done", ".TP", `\fB1\fR`, "failed",
		".SH OPTIONS", ".TP", `\fB\-h\fR, \fB\-\-help\fR`, "help for do", ".TP", `\fB\-n\fR, \fB\-\-number\fR \fITIMES\fR`, "this many TIMES (default 3)",
		".SH EXAMPLES", ".nf", `  tool do a\-b`, ".fi",
		".SH SEE ALSO", `\fBtool\fR(1)`, "",
	}, "\n")
	got := manPage(command, edition{"v0.1.0", "2026-01-31"})
	if got != want {
		t.Errorf("manPage(tool do) =\n%s\nwant\n%s", got, want)
	}
	if again := manPage(command, edition{"v0.1.0", "2026-01-31"}); again != got {
		t.Errorf("manPage(tool do) the second time =\n%s\nwant\n%s", again, got)
	}
}

func TestRoff(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`C:\x`: `C:\ex`, "--all": `\-\-all`, "'a'": `\(aqa\(aq`, "`b`": `\(gab\(ga`, "~^": `\(ti\(ha`,
		".TH":    `\&.TH`,
		"a\n.TH": "a\n\\&.TH",
		"'TH":    `\(aqTH`,
		"a.b":    "a.b",
	} {
		if got := roff(in); got != want {
			t.Errorf("roff(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestPageOfACommandListsThoseBelowIt(t *testing.T) {
	t.Parallel()
	page := manPage(cli.Command(), edition{})
	for _, want := range []string{
		"\n.SH SYNOPSIS\n" + `\fBedisptr\fR COMMAND [ARG ...]` + "\n",
		"\n.TP\n" + `\fBedisptr\-set\fR(1)` + "\nSet PTR records\n",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page of edisptr has no %q", want)
		}
	}
}

func TestRunNeedsOneArgument(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {t.TempDir(), t.TempDir()}} {
		if err := run(args); err == nil {
			t.Errorf("run(%q) = nil, want an error", args)
		}
	}
}

func TestFileThatCannotBeWrittenIsAnError(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"man/man1/edisptr.1", "man/man1/edisptr-set.1", "zsh/site-functions/_edisptr"} {
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil { // a directory of that name
			t.Fatal(err)
		}
		if err := run([]string{dir}); err == nil || !strings.Contains(err.Error(), filepath.Base(name)) {
			t.Errorf("run(directory with a directory %s) = %v, want an error that names it", name, err)
		}
	}
}
