// Command specsync keeps the module edis-go in step with the OpenAPI document that the
// provider publishes. "specsync check SPEC" shows what a newer document changes,
// "specsync update SPEC" adopts it, and "specsync document SPEC" prints the document
// itself, without the page around it. SPEC is a file or an https URL. The targets
// spec-check, spec-update and spec-changelog of the Makefile run them in the directory of
// the module.
//
// It imports nothing of the module that it maintains, so that it runs even if the rest
// does not compile.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"unicode"
)

// Exit statuses. exitDone also means that nothing changed on the wire.
const (
	exitDone     = 0
	exitFailed   = 1 // a step of the update
	exitUnusable = 2 // the document or the command line
	exitChanged  = 3 // on the wire
)

// An app holds what a run needs from outside.
type app struct {
	stdout, stderr io.Writer
	client         *http.Client
	// execute runs a command in a directory. Its error quotes what the command printed.
	execute func(ctx context.Context, dir string, command ...string) error
	root    string // directory of the module
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	os.Exit((&app{os.Stdout, os.Stderr, http.DefaultClient, execute, "."}).exec(ctx, os.Args[1:]))
}

// exec runs specsync with these arguments and returns its exit status, which it also
// prints unless it is exitDone, because make replaces it.
func (a *app) exec(ctx context.Context, args []string) int {
	status, err := a.run(ctx, args)
	if err != nil {
		fmt.Fprintln(a.stderr, "specsync:", printable(err.Error()))
	}
	if status != exitDone {
		fmt.Fprintln(a.stderr, "specsync: exit status", status)
	}
	return status
}

func (a *app) run(ctx context.Context, args []string) (int, error) {
	if len(args) != 2 || !slices.Contains([]string{"check", "update", "document"}, args[0]) {
		return exitUnusable, errors.New("want specsync check SPEC, specsync update SPEC, or specsync document SPEC, where SPEC is a file or an https URL of a page or a document")
	}
	c, err := a.compare(ctx, args[1])
	switch {
	case err == nil && args[0] == "update" && !c.isPage:
		err = errors.New("not the page of the one operation that openapi.yaml has: spec-check accepts the whole document, but only that page is vendored")
		fallthrough
	case err != nil:
		return exitUnusable, fmt.Errorf("%s: %w", args[1], err)
	case args[0] == "update":
		return a.update(ctx, c)
	case args[0] == "document":
		fmt.Fprintf(a.stdout, "%s", c.document)
		return exitDone, nil
	}
	fmt.Fprint(a.stdout, c.report())
	if c.wire != "" {
		return exitChanged, nil
	}
	return exitDone, nil
}

// printable replaces what could control a terminal.
func printable(text string) string {
	return strings.Map(func(char rune) rune {
		if unicode.IsPrint(char) || char == '\n' || char == '\t' {
			return char
		}
		return unicode.ReplacementChar
	}, text)
}
