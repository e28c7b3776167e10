package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/edisptr/edis-go/pkg/edis"
)

// Exit states, also told in the help text.
const (
	exitDone    = 0
	exitFailed  = 1 // nothing changed
	exitUsage   = 2 // wrong usage or input, nothing sent
	exitUnknown = 3 // the records may have changed
)

const longHelp = `edisptr sets the reverse DNS (PTR) records of KVM servers at EDIS Global.

A session is read from the environment:
  EDIS_KVM_ID        KVM id, such as kvm_123456_789012
  EDIS_SIGNATURE     signature of the session (secret)
  EDIS_VALID_UNTIL   end of the session in Unix seconds
  EDIS_API_HOST      API host of the session
  EDIS_RDNS_URL      base URL of another reverse DNS service, such as the sandbox

Exit status:
  0  done
  1  failed, nothing changed
  2  wrong usage or input, nothing sent
  3  outcome unknown: the records listed may have changed`

// app is what the commands share: the streams and the environment of one run,
// and the global flags.
type app struct {
	stdin  io.Reader
	stdout *output
	stderr io.Writer
	env    func(string) string

	format  string
	timeout time.Duration
	verbose bool

	allowUnderscore bool // of set

	running bool // a command has begun: what fails now is not the usage
	changed bool // records were set
}

// exec runs edisptr and returns its exit status. env looks up an environment
// variable, as os.Getenv does.
func exec(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, env func(string) string) int {
	a := &app{stdin: stdin, stdout: &output{Writer: stdout}, stderr: stderr, env: env}
	root := a.rootCommand()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		err = a.stdout.failure
	}
	if err == nil {
		return exitDone
	}
	fmt.Fprintln(stderr, "edisptr:", describe(err))
	return a.exitStatus(err)
}

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "edisptr",
		Short:         "Set reverse DNS (PTR) records at EDIS Global",
		Long:          longHelp,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if a.format != outputTable && a.format != outputJSON {
				return fmt.Errorf("--output is %q: want table or json", a.format)
			}
			if a.timeout <= 0 {
				return fmt.Errorf("--timeout is %s: want more than zero", a.timeout)
			}
			a.running = true
			return nil
		},
	}
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	flags := root.PersistentFlags()
	flags.StringVarP(&a.format, "output", "o", outputTable, "what to print: table or json")
	flags.DurationVar(&a.timeout, "timeout", 30*time.Second, "time limit of one request")
	flags.BoolVar(&a.verbose, "verbose", false, "log each request to standard error")
	root.AddCommand(a.setCommand(), a.sandboxCommand(), a.demoCommand(), a.versionCommand())
	return root
}

// exitStatus says how a run with this error ended. What a write may have changed
// comes first.
func (a *app) exitStatus(err error) int {
	switch {
	case errors.Is(err, edis.ErrOutcomeUnknown), a.changed:
		return exitUnknown
	case !a.running, errors.Is(err, edis.ErrInvalidInput):
		return exitUsage
	}
	return exitFailed
}

// client returns a client as the environment and the global flags say.
func (a *app) client() (*edis.Client, error) {
	options := &edis.Options{
		RDNSURL:         a.env("EDIS_RDNS_URL"),
		Timeout:         a.timeout,
		AllowUnderscore: a.allowUnderscore,
	}
	if a.verbose {
		options.Logger = slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	return edis.NewClient(options)
}
