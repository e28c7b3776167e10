package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/edisptr/edis-go/pkg/edis"
)

// Exit statuses, also listed in longHelp.
const (
	exitOK      = 0
	exitFailed  = 1 // nothing changed
	exitUsage   = 2 // usage or input error; nothing sent
	exitUnknown = 3 // some records changed or may have changed
	exitDiffers = 4 // check: not confirmed; apply --dry-run: records differ
)

const longHelp = `edisptr manages the reverse DNS (PTR) records of KVM servers at EDIS Global.

It reads the account or an existing session from the environment:
  EDIS_EMAIL          e-mail address of the account
  EDIS_PASSWORD       account password (secret)
  EDIS_PASSWORD_FILE  file with the password, used if EDIS_PASSWORD is not set
  EDIS_KVM_ID         KVM ID, such as kvm_123456_789012, unless --kvm is given;
                      optional if the account has only one KVM server

  EDIS_SIGNATURE      signature of a session (secret), used instead of a login
  EDIS_VALID_UNTIL    expiry of the session in Unix seconds
  EDIS_API_HOST       API host of the session; optional

  EDIS_DNS            DNS server that check queries, unless --resolver is given
  EDIS_RDNS_URL       URL of the reverse DNS service, if not the default
  EDIS_AUTH_URL       URL of the login service, if not the default
  NO_COLOR            disable colors

Exit status:
  0  success
  1  failed; nothing changed
  2  usage or input error; nothing sent
  3  some records changed or may have changed; see the output
  4  check: not confirmed; apply --dry-run: records differ`

// app holds what the commands share: the streams, the environment and the
// flags of one run.
type app struct {
	stdin  io.Reader
	stdout *output
	stderr io.Writer
	env    func(string) string

	format  string
	timeout time.Duration
	verbose bool
	kvmID   string // of --kvm

	allowUnderscore bool // set and apply only

	running bool          // the command line is valid and its command has started
	writes  bool          // the command changes records
	sent    atomic.Bool   // apply has read the records of a server
	changed atomic.Bool   // a write succeeded
	replies *bufio.Reader // of the terminal, while there is something to ask

	mutex sync.Mutex
	notes []string // to print on standard error at the end
	next  string   // what to do after an unknown outcome
}

// exec runs edisptr and returns its exit status. The env function looks up an
// environment variable, as os.Getenv does.
func exec(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, env func(string) string) int {
	log.SetOutput(io.Discard) // net/http logs bytes of the service there, which can hold a secret
	a := &app{stdin: stdin, stdout: &output{Writer: stdout}, stderr: stderr, env: env}
	root := a.rootCommand()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		err = a.stdout.err
	}
	for _, note := range a.notes {
		fmt.Fprintln(stderr, note)
	}
	var status commandError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &status):
		return int(status)
	}
	fmt.Fprintln(stderr, "edisptr:", a.errorText(err))
	if errors.Is(err, edis.ErrOutcomeUnknown) && a.next != "" {
		fmt.Fprintln(stderr, a.next)
	}
	if !a.running {
		fmt.Fprintln(stderr, "Run 'edisptr help' for usage.")
	}
	return a.exitStatus(err)
}

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "edisptr",
		Version:       version(),
		Short:         "Manage reverse DNS (PTR) records at EDIS Global",
		Long:          longHelp,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(command *cobra.Command, _ []string) error {
			if formats := formatsOf(command); !slices.Contains(formats, a.format) {
				return fmt.Errorf("invalid --output %q for %s: want %s", a.format, command.Name(), anyOf(formats))
			}
			if a.timeout <= 0 {
				return fmt.Errorf("invalid --timeout %s: must be positive", a.timeout)
			}
			a.running = true
			return nil
		},
	}
	root.SetVersionTemplate("edisptr {{.Version}}\n")
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	flags := root.PersistentFlags()
	flags.StringVarP(&a.format, "output", "o", outputTable, "output format: table or json; list also has yaml\nand zone")
	flags.DurationVar(&a.timeout, "timeout", 30*time.Second, "timeout of each request")
	flags.BoolVar(&a.verbose, "verbose", false, "log each request to standard error")
	root.AddCommand(
		a.setCommand(), a.getCommand(), a.deleteCommand(), a.listCommand(), a.applyCommand(), a.checkCommand(), a.serversCommand(),
		a.sandboxCommand(), a.demoCommand(), a.versionCommand(),
	)
	root.SetHelpCommand(helpCommand())
	root.InitDefaultCompletionCmd()
	if completion, _, err := root.Find([]string{"completion"}); err == nil {
		completion.Args, completion.RunE = noArguments, func(*cobra.Command, []string) error {
			return usageError{errors.New("completion requires the name of a shell; see 'edisptr help completion'")}
		}
		for _, shell := range completion.Commands() { // one line of cobra's help has 81 columns
			shell.Long = strings.ReplaceAll(shell.Long, "via your OS's package manager", "with your package manager")
		}
	}
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	completeFlag(root, "output", func(command *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return formatsOf(command), cobra.ShellCompDirectiveNoFileComp
	})
	return root
}

// formatsOf returns the values of --output that a command takes.
func formatsOf(command *cobra.Command) []string {
	if command.Name() == "list" {
		return []string{outputTable, outputJSON, outputYAML, outputZone}
	}
	return []string{outputTable, outputJSON}
}

// anyOf joins values as in "table, json or yaml".
func anyOf(values []string) string {
	last := len(values) - 1
	return strings.Join(values[:last], ", ") + " or " + values[last]
}

// completeFlag makes a shell complete a flag with what values returns.
func completeFlag(command *cobra.Command, flag string, values cobra.CompletionFunc) {
	if err := command.RegisterFlagCompletionFunc(flag, values); err != nil {
		panic(fmt.Sprintf("edisptr: %v", err)) // the command has no such flag
	}
}

const (
	loginVariables = "EDIS_EMAIL, EDIS_PASSWORD or EDIS_PASSWORD_FILE, and EDIS_AUTH_URL"
	callVariables  = "EDIS_KVM_ID and EDIS_RDNS_URL; to log in,\n" + loginVariables +
		";\nwith a session, EDIS_SIGNATURE, EDIS_VALID_UNTIL and EDIS_API_HOST"
)

// nameVariables adds the environment variables that a command reads to its help.
func nameVariables(command *cobra.Command, variables string) {
	command.Long = cmp.Or(command.Long, command.Short+".") + "\n\nEnvironment variables, explained in 'edisptr help':\n" + variables + "."
}

// kvmFlag adds --kvm to a command for one server.
func (a *app) kvmFlag(command *cobra.Command) {
	nameVariables(command, callVariables)
	command.Flags().StringVar(&a.kvmID, "kvm", "", "`ID` of the KVM server; overrides EDIS_KVM_ID")
}

// parallelFlag adds --parallel to a command for many servers.
func (a *app) parallelFlag(command *cobra.Command, parallel *int) {
	command.Flags().IntVar(parallel, "parallel", 8, "call the service for `N` servers at once")
}

// helpCommand replaces cobra's, which succeeds for an unknown command.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [command]",
		Short: "Show help for a command",
		ValidArgsFunction: func(command *cobra.Command, args []string, _ string) (names []string, _ cobra.ShellCompDirective) {
			for _, topic := range command.Root().Commands() {
				if len(args) == 0 && topic.IsAvailableCommand() {
					names = append(names, topic.Name()+"\t"+topic.Short)
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(command *cobra.Command, args []string) error {
			topic, rest, err := command.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return usageError{fmt.Errorf("unknown command %q; 'edisptr help' lists the commands", strings.Join(args, " "))}
			}
			return topic.Help()
		},
	}
}

// usageError is a usage error that a command finds after it has started.
type usageError struct{ error }

// exitStatus returns the exit status of a run that ends with err. Changed
// records take precedence over the kind of error.
func (a *app) exitStatus(err error) int {
	var usage usageError
	switch {
	case errors.Is(err, edis.ErrOutcomeUnknown), a.changed.Load():
		return exitUnknown
	case !a.running, errors.As(err, &usage), errors.Is(err, edis.ErrInvalidInput) && !a.sent.Load():
		return exitUsage
	case errors.Is(err, errNotConfirmed), errors.Is(err, errDryRun):
		return exitDiffers
	}
	return exitFailed
}

// client returns a client configured by the environment and the flags.
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
