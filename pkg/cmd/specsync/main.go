// Command specsync keeps the module edis-go in step with the OpenAPI document that the
// provider publishes: "specsync check SPEC" shows what a newer document changes for us,
// and "specsync update SPEC" adopts it. "make spec-check" and "make spec-update" run them
// in the directory of the module.
//
// It is a separate module, so that users of the library do not inherit the dependencies
// of oasdiff, and it imports nothing of the module that it maintains.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

const exitDone, exitFailed, exitUnusable, exitChanged = 0, 1, 2, 3

const usage = "want: specsync check SPEC, or: specsync update SPEC; SPEC is a file or an https URL, a page or a document"

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

// exec runs specsync with these arguments and returns its exit status.
func (a *app) exec(ctx context.Context, args []string) int {
	status, err, name := exitUnusable, errors.New(usage), "specsync"
	if len(args) == 2 && (args[0] == "check" || args[0] == "update") {
		name += " " + args[0]
		status, err = a.run(ctx, args[0], args[1])
	}
	if err != nil {
		fmt.Fprintln(a.stderr, "specsync:", err)
	}
	if status != exitDone {
		fmt.Fprintf(a.stderr, "%s: exit status %d\n", name, status)
	}
	return status
}

// run compares SPEC with what we rely on, and reports what changed or adopts it.
func (a *app) run(ctx context.Context, command, spec string) (int, error) {
	var c *comparison
	if err := try(func() { c = a.compare(ctx, a.read(ctx, spec)) }); err != nil {
		return exitUnusable, fmt.Errorf("%s: %s", spec, printable(err.Error()))
	}
	if command == "update" {
		return a.update(ctx, c)
	}
	return c.report(a.stdout), nil
}

func (a *app) path(name string) string { return filepath.Join(a.root, name) }

// A failure is what must and check panic with and try recovers: here every other line can
// fail, and all failures are handled the same way.
type failure struct{ error }

func try(run func()) (err error) {
	defer func() {
		reason := recover()
		failed, ok := reason.(failure)
		if reason != nil && !ok {
			panic(reason)
		}
		err = failed.error
	}()
	run()
	return nil
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		panic(failure{err})
	}
}
