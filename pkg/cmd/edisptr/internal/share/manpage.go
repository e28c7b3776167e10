package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// manPage returns the man page of a command, in the macros of man(7). Its text is the help
// of the command.
func manPage(command *cobra.Command, e edition) string {
	var page strings.Builder
	fmt.Fprintf(&page, ".TH %s 1 \"%s\" \"edisptr %s\" \"User Commands\"\n", roff(strings.ToUpper(pageName(command))), e.date, roff(e.version))
	page.WriteString(".nh\n.ad l\n") // neither hyphens nor spaces that are not in the help
	command.InitDefaultHelpFlag()
	command.InitDefaultVersionFlag()
	for _, section := range []struct{ heading, body string }{
		{"NAME", roff(pageName(command)) + ` \- ` + roff(command.Short) + "\n"},
		{"SYNOPSIS", synopsis(command)},
		{"DESCRIPTION", description(command)}, // and what else is in the help
		{"OPTIONS", options(command.NonInheritedFlags())},
		{"GLOBAL OPTIONS", options(command.InheritedFlags())},
		{"COMMANDS", commands(command)},
		{"EXAMPLES", examples(command)},
		{"SEE ALSO", seeAlso(command)},
	} {
		if section.body != "" {
			page.WriteString(".SH " + section.heading + "\n" + strings.TrimPrefix(section.body, ".PP\n"))
		}
	}
	return page.String()
}

// pageName returns the name of the page of a command, such as edisptr-set.
func pageName(command *cobra.Command) string {
	return strings.ReplaceAll(command.CommandPath(), " ", "-")
}

func synopsis(command *cobra.Command) string {
	arguments := strings.TrimPrefix(command.UseLine(), command.CommandPath())
	if command.HasAvailableSubCommands() {
		arguments = " COMMAND [ARG ...]"
	}
	return bold(command.CommandPath()) + roff(arguments) + "\n"
}

// headings are the sections of a page that begin within the help of a command, by the words
// with which they begin.
var headings = []struct{ words, heading string }{
	{"It reads the account or an existing session", "ENVIRONMENT"},
	{"Environment variables", "ENVIRONMENT"},
	{"Exit status", "EXIT STATUS"},
	{"With -o json", "JSON OUTPUT"},
}

// description renders the help of a command: paragraphs, lists of terms, and lines to be
// kept as they are.
func description(command *cobra.Command) string {
	text := command.Long
	if text == "" {
		text = command.Short + "."
	}
	var out strings.Builder
	for _, block := range blocks(text) {
		switch {
		case !isIndented(block[0]):
			out.WriteString(paragraph(block))
		case isTerm(block[0]):
			out.WriteString(terms(block))
		default:
			out.WriteString(verbatim(block))
		}
	}
	return out.String()
}

// blocks splits text into runs of lines that are all indented or all not.
func blocks(text string) (all [][]string) {
	last := ""
	for line := range strings.SplitSeq(text, "\n") {
		switch {
		case line == "":
		case last == "" || isIndented(line) != isIndented(last):
			all = append(all, []string{line})
		default:
			all[len(all)-1] = append(all[len(all)-1], line)
		}
		last = line
	}
	return all
}

func isIndented(line string) bool { return line[0] == ' ' || line[0] == '\t' }

// isTerm reports whether an indented line is a term, two or more spaces, and what it means.
func isTerm(line string) bool {
	return strings.Contains(strings.TrimSpace(line), "  ")
}

func paragraph(lines []string) string {
	text := roff(strings.Join(lines, "\n")) + "\n"
	for _, h := range headings {
		switch {
		case lines[0] == h.words+":": // the heading says it
			return ".SH " + h.heading + "\n"
		case strings.HasPrefix(lines[0], h.words):
			return ".SH " + h.heading + "\n" + text
		}
	}
	return ".PP\n" + text
}

func terms(lines []string) string {
	var list strings.Builder
	for _, line := range lines {
		term, meaning, found := strings.Cut(strings.TrimSpace(line), "  ")
		if !found { // it continues the line before
			list.WriteString(roff(term) + "\n")
			continue
		}
		list.WriteString(".TP\n" + bold(term) + "\n" + roff(strings.TrimSpace(meaning)) + "\n")
	}
	return list.String()
}

func verbatim(lines []string) string {
	text := strings.ReplaceAll(strings.Join(lines, "\n"), "\t", "  ")
	return ".PP\n.nf\n" + roff(text) + "\n.fi\n"
}

func options(flags *pflag.FlagSet) (list string) {
	flags.VisitAll(func(flag *pflag.Flag) {
		if !flag.Hidden {
			list += option(flag)
		}
	})
	return list
}

func option(flag *pflag.Flag) string {
	value, usage := pflag.UnquoteUsage(flag)
	name := bold("--" + flag.Name)
	if flag.Shorthand != "" {
		name = bold("-"+flag.Shorthand) + ", " + name
	}
	if value != "" {
		name += ` \fI` + roff(value) + `\fR`
	}
	switch flag.DefValue {
	case "", "false", "[]", "0s": // nothing
	default:
		usage += " (default " + flag.DefValue + ")"
	}
	return ".TP\n" + name + "\n" + roff(usage) + "\n"
}

func commands(command *cobra.Command) string {
	var list strings.Builder
	for _, inner := range command.Commands() {
		if inner.IsAvailableCommand() {
			list.WriteString(".TP\n" + bold(pageName(inner)) + "(1)\n" + roff(inner.Short) + "\n")
		}
	}
	return list.String()
}

func examples(command *cobra.Command) string {
	if command.Example == "" {
		return ""
	}
	return verbatim(strings.Split(command.Example, "\n"))
}

func seeAlso(command *cobra.Command) string {
	if !command.HasParent() {
		return ""
	}
	return bold(pageName(command.Parent())) + "(1)\n"
}

func bold(text string) string { return `\fB` + roff(text) + `\fR` }

// characters are those that roff would take for its own or replace by typographic ones; see
// groff_char(7).
var characters = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`)

// roff returns text, of one line or several, such that it is shown as it is. A dot at the
// beginning of a line would be a macro.
func roff(text string) string {
	text = strings.ReplaceAll(characters.Replace(text), "\n.", "\n\\&.")
	if strings.HasPrefix(text, ".") {
		text = `\&` + text
	}
	return text
}
