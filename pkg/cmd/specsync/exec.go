package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/spf13/cobra"
)

// Exit states, also told in the help text.
const (
	exitSame     = 0 // nothing that concerns us changed; update: done
	exitFailed   = 1 // a step of update failed, the tree is as before
	exitUnusable = 2 // the document, or the way we were called, is of no use
	exitChanged  = 3 // check: the document changed
)

const longHelp = `specsync compares a newer OpenAPI document of the provider with openapi.yaml, as
far as the operations that this module uses are concerned. SPEC is a file or an
https address: a documentation page with the document in a fenced block, or the
document itself, of one operation or of all, in YAML or JSON.

Exit status:
  0  check: nothing that concerns us changed; update: done, or nothing to do
  1  update: a step failed, and the tree is as before
  2  SPEC is not usable, or the command line is wrong
  3  check: the document changed, see the report

"make" has statuses of its own: it ends with 2 whenever this program does not
end with 0. The last line on standard error tells the status of the program.`

// tools are the ways out of the process, which tests replace.
type tools struct {
	client *http.Client
	// run runs a command in a folder and returns what it printed.
	run func(ctx context.Context, dir string, command ...string) ([]byte, error)
	// reached is told before each change of the tree, so that tests can kill the
	// program there; nil does nothing.
	reached func(place string)
}

// app is what the commands share.
type app struct {
	tools
	stdout, stderr io.Writer
	root           string
	oasdiff        string
	status         int
}

// exec runs specsync and returns its exit status.
func exec(ctx context.Context, args []string, stdout, stderr io.Writer, with tools) int {
	a := &app{tools: with, stdout: stdout, stderr: stderr}
	root := a.rootCommand()
	root.SetArgs(args)
	command, err := root.ExecuteContextC(ctx)
	if err != nil {
		fmt.Fprintln(stderr, "specsync:", err)
		a.status = exitUnusable
		var step stepError
		if errors.As(err, &step) {
			a.status = exitFailed
		}
	}
	if a.status != exitSame {
		fmt.Fprintf(stderr, "%s: exit status %d\n", command.CommandPath(), a.status)
	}
	return a.status
}

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "specsync",
		Short:         "Keep in step with the published OpenAPI document",
		Long:          longHelp,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	flags := root.PersistentFlags()
	flags.StringVar(&a.root, "root", ".", "folder of the module, where openapi.yaml is")
	flags.StringVar(&a.oasdiff, "oasdiff", "", "oasdiff as PATH@VERSION, run by go, for a second opinion; empty for none")
	root.AddCommand(a.checkCommand(), a.updateCommand())
	return root
}

func (a *app) checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check SPEC",
		Short: "Say what SPEC changes for us; writes nothing",
		Args:  cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			compared, err := a.compare(command.Context(), args[0])
			if err != nil {
				return err
			}
			a.status = a.report(compared)
			return nil
		},
	}
}

func (a *app) updateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "update SPEC",
		Short: "Take SPEC in: openapi.yaml and gen/, if they build and pass the contract tests",
		Args:  cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			return a.update(command.Context(), args[0])
		},
	}
}
