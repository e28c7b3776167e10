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
	exitUnknown = 3 // some records may have changed
	exitDiffers = 4 // what was asked for is not so
)

const longHelp = `edisptr reads and sets the reverse DNS (PTR) records of KVM servers at EDIS
Global. The environment names the account, or holds a ready session:
  EDIS_EMAIL         login of the account
  EDIS_PASSWORD      its password (secret), or
  EDIS_PASSWORD_FILE a file that holds it
  EDIS_KVM_ID        KVM id, such as kvm_123456_789012; may be left out for an
                     account with one KVM server

  EDIS_SIGNATURE     signature of a ready session (secret), used before a login
  EDIS_VALID_UNTIL   end of the session in Unix seconds
  EDIS_API_HOST      API host of the session; may be left out

  EDIS_RDNS_URL, EDIS_AUTH_URL   other servers, such as those of the sandbox
  NO_COLOR                       no colour on a terminal

Exit status:
  0  done
  1  failed, nothing changed
  2  wrong usage or input, nothing sent
  3  some records may have changed, or some have and others not: see the list
  4  check: not confirmed; apply --dry-run: there are differences`

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

	allowUnderscore bool // of set and apply

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
	fmt.Fprintln(stderr, "edisptr:", a.describe(err))
	if !a.running {
		fmt.Fprintln(stderr, "See edisptr help.")
	}
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
	root.AddCommand(
		a.setCommand(), a.getCommand(), a.deleteCommand(), a.applyCommand(), a.checkCommand(), a.serversCommand(),
		a.sandboxCommand(), a.demoCommand(), a.versionCommand(),
	)
	root.SetHelpCommand(helpCommand())
	return root
}

// helpCommand takes the place of cobra's, which is content with a command that
// there is not.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [command]",
		Short: "Help about a command",
		RunE: func(command *cobra.Command, args []string) error {
			about, rest, err := command.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return usageError{fmt.Errorf("no such command: %q", args)}
			}
			return about.Help()
		},
	}
}

// usageError is wrong usage that a command found.
type usageError struct{ error }

// exitStatus says how a run with this error ended. What a write may have changed
// comes first.
func (a *app) exitStatus(err error) int {
	var usage usageError
	switch {
	case errors.Is(err, edis.ErrOutcomeUnknown), a.changed:
		return exitUnknown
	case !a.running, errors.As(err, &usage), errors.Is(err, edis.ErrInvalidInput):
		return exitUsage
	case errors.Is(err, errNotConfirmed), errors.Is(err, errDiffers):
		return exitDiffers
	}
	return exitFailed
}

// client returns a client as the environment and the global flags say.
func (a *app) client() (*edis.Client, error) {
	options := &edis.Options{
		RDNSURL:         a.env("EDIS_RDNS_URL"),
		AuthURL:         a.env("EDIS_AUTH_URL"),
		Timeout:         a.timeout,
		AllowUnderscore: a.allowUnderscore,
	}
	if a.verbose {
		options.Logger = slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	return edis.NewClient(options)
}
