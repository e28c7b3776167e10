// Package cli is the command line of edisptr. Each command is a function that returns a
// Result and an error. One place prints them, and one function turns them into an exit
// status.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/mattn/go-isatty"

	"github.com/edisptr/edis-go/pkg/cmd/edisptr/internal/render"
	"github.com/edisptr/edis-go/pkg/internal/redact"
)

// IO is what a run of edisptr reads and writes. It is never changed.
type IO struct {
	In       io.Reader
	Out, Err io.Writer
	Env      func(string) string // looks up an environment variable, as os.Getenv does
}

// A Result is what a command has to say, whether it succeeded or not.
type Result struct {
	// Body goes to standard output.
	Body render.Document
	// Changed says what the command changed, such as "1 set". It is empty for nothing.
	Changed string
	// Differs means that all went well, but something is not as it should be.
	Differs bool
	// Notes go to standard error, one line each, unless --quiet is given.
	Notes []string
	// Next says what to do if the outcome is unknown.
	Next string
}

// Run runs edisptr and returns its exit status.
func Run(ctx context.Context, args []string, streams IO) int {
	log.SetOutput(io.Discard) // net/http logs bytes of the service there, which can contain a secret
	pipes := make(chan os.Signal, 1)
	signal.Notify(pipes, syscall.SIGPIPE) // so that writing to a closed pipe is an error
	defer signal.Stop(pipes)
	t := tool{streams, new(globalFlags)}
	root := t.rootCommand()
	root.SetArgs(args)
	return t.finish(asDone(root.ExecuteContext(ctx)))
}

// done carries what a command returned through package cobra, which knows only errors.
type done struct {
	result Result
	err    error
}

func (d done) Error() string { return fmt.Sprint(d.err) }

// asDone returns what a command returned. If none ran, the error is about the command
// line.
func asDone(err error) (Result, error) {
	var d done
	switch {
	case errors.As(err, &d):
		return d.result, d.err
	case err != nil:
		return Result{}, usageError{err}
	}
	return Result{}, nil // help, for example
}

// tool has what the commands share.
type tool struct {
	IO
	flags *globalFlags
}

// finish prints what a command returned.
func (t tool) finish(result Result, err error) int {
	if writeErr := t.print(result.Body); writeErr != nil {
		err = outputError{writeErr, result.Changed, err}
	}
	for _, note := range result.Notes {
		t.note(note)
	}
	if err != nil {
		for _, line := range errorLines(err) {
			t.say(line)
		}
	}
	status := exitStatus(result, err)
	if status == exitUnknown && result.Next != "" {
		t.say(result.Next)
	}
	return status
}

// print writes a document to standard output.
func (t tool) print(body render.Document) error {
	if t.flags.format == formatJSON {
		return body.WriteJSON(t.Out)
	}
	return body.WriteText(t.Out, t.hasColors())
}

// say prints a line on standard error.
func (t tool) say(line string) { _, _ = fmt.Fprintln(t.Err, redact.Printable(line)) }

// note prints a line on standard error, unless --quiet is given.
func (t tool) note(line string) {
	if !t.flags.quiet {
		t.say(line)
	}
}

// hasColors reports whether standard output is a terminal with colors, and the user wants
// them.
func (t tool) hasColors() bool { return isTerminal(t.Out) && t.wantsColors() }

func (t tool) wantsColors() bool { return t.Env("NO_COLOR") == "" && t.Env("TERM") != "dumb" }

// isTerminal reports whether stream, a reader or a writer, is a terminal.
func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && (isatty.IsTerminal(file.Fd()) || isatty.IsCygwinTerminal(file.Fd()))
}
