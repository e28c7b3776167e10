// Command specsync keeps the module edis-go in step with the OpenAPI document
// that the provider publishes: "specsync check SPEC" says what a newer document
// changes for us, "specsync update SPEC" takes it in. They stand behind
// "make spec-check" and "make spec-update".
//
// It is a module of its own, so that users of the library do not inherit the
// dependencies of oasdiff, and it imports nothing of the module it looks after.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/pflag"
)

const exitDone, exitFailed, exitUnusable, exitChanged = 0, 1, 2, 3

const usage = `specsync check SPEC     say what SPEC changes for us: exit status 0 nothing, 3 something, 2 SPEC is unusable
specsync update SPEC    take SPEC in: exit status 0 done, 1 a step failed and the tree is as before, 2 unusable
SPEC is a file or an https URL: a documentation page with the document in a fenced block, or the document itself.
`

// app is what a run needs from outside.
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
	a := &app{stdout: os.Stdout, stderr: os.Stderr, client: http.DefaultClient, execute: execute}
	os.Exit(a.exec(ctx, os.Args[1:]))
}

// exec runs specsync with the given arguments and returns its exit status.
func (a *app) exec(ctx context.Context, args []string) int {
	flags := pflag.NewFlagSet("specsync", pflag.ContinueOnError)
	flags.SetOutput(a.stderr)
	flags.StringVar(&a.root, "root", ".", "directory of the module, where openapi.yaml is")
	flags.Usage = func() { fmt.Fprint(a.stdout, usage, flags.FlagUsages()) }
	status, err := exitUnusable, flags.Parse(args)
	switch command := flags.Arg(0); {
	case errors.Is(err, pflag.ErrHelp):
		return exitDone
	case err != nil:
	case flags.NArg() != 2 || command != "check" && command != "update":
		err = errors.New("want: specsync check SPEC, or specsync update SPEC")
	default:
		status, err = a.run(ctx, command, flags.Arg(1))
	}
	if err != nil {
		fmt.Fprintln(a.stderr, "specsync:", err)
	}
	if status != exitDone {
		fmt.Fprintf(a.stderr, "%s: exit status %d\n", strings.TrimSpace("specsync "+flags.Arg(0)), status)
	}
	return status
}

// run compares SPEC with what we rely on, and reports what changed or takes it in.
func (a *app) run(ctx context.Context, command, spec string) (int, error) {
	c := new(comparison)
	if err := try(func() { a.compare(ctx, c, a.read(ctx, spec)) }); err != nil {
		return exitUnusable, fmt.Errorf("%s: %s", spec, printable(err.Error(), maxLine))
	}
	if command == "update" {
		return a.update(ctx, c)
	}
	return c.report(a.stdout), nil
}

// failure is what must and check panic with and try recovers, for code in which
// every other line can fail and all failures end the same way.
type failure struct{ error }

func try(run func()) (err error) {
	defer func() {
		switch reason := recover().(type) {
		case nil:
		case failure:
			err = reason.error
		default:
			panic(reason)
		}
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
