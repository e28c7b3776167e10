package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const longHelp = `edisptr manages the reverse DNS (PTR) records of KVM servers at EDIS Global.

It reads the account or an existing session from the environment:
  EDIS_EMAIL          e-mail address of the account
  EDIS_PASSWORD       account password (secret)
  EDIS_PASSWORD_FILE  file whose first line is the password, used if
                      EDIS_PASSWORD is not set; without both, edisptr asks
                      for the password at a terminal
  EDIS_KVM_ID         KVM ID, such as kvm_123456_789012, unless --kvm is given;
                      optional, since the server is found from the address

  EDIS_SIGNATURE      signature of a session (secret), used instead of a login
  EDIS_VALID_UNTIL    expiry of the session in Unix seconds
  EDIS_API_HOST       API host of the session; optional

  EDIS_DNS            DNS server that check queries, unless --resolver is given
  EDIS_RDNS_URL       URL of the reverse DNS service, if not the default
  EDIS_AUTH_URL       URL of the login service, if not the default; set both
  NO_COLOR            disable colors

Exit status:
  0  success
  1  failed; nothing changed
  2  usage or input error; nothing changed
  3  some records changed or may have changed; see the output
  4  check: an address is not confirmed; apply --dry-run: a record differs;
     doctor: there is something to set or correct`

// Values of --output.
const (
	formatTable = "table"
	formatJSON  = "json"
	formatYAML  = "yaml" // of list only, as zone
	formatZone  = "zone"
)

// globalFlags are the flags of all commands.
type globalFlags struct {
	format         string
	timeout        time.Duration
	verbose, quiet bool
}

func (f globalFlags) check(command *cobra.Command) error {
	if formats := formatsOf(command); !slices.Contains(formats, f.format) {
		return fmt.Errorf("%s has no output format %q; use %s", command.Name(), f.format, anyOf(formats))
	}
	if f.timeout <= 0 {
		return fmt.Errorf("--timeout is %s; it must be positive", f.timeout)
	}
	return nil
}

// Command returns the commands of edisptr for what documents them. It is not for running
// them.
func Command() *cobra.Command {
	return tool{IO{Env: func(string) string { return "" }}, new(globalFlags)}.rootCommand()
}

func (t tool) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:               "edisptr",
		Version:           version(),
		Short:             "Manage reverse DNS (PTR) records at EDIS Global",
		Long:              longHelp,
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRunE: func(command *cobra.Command, _ []string) error { return t.flags.check(command) },
	}
	root.SetFlagErrorFunc(flagError)
	root.SetVersionTemplate("edisptr {{.Version}}\n")
	root.SetIn(t.In)
	root.SetOut(t.Out)
	root.SetErr(t.Err)
	flags := root.PersistentFlags()
	flags.StringVarP(&t.flags.format, "output", "o", formatTable, "output format: table or json; list also has yaml\nand zone")
	flags.DurationVar(&t.flags.timeout, "timeout", 30*time.Second, "timeout of each request")
	flags.BoolVar(&t.flags.verbose, "verbose", false, "log each request to standard error")
	flags.BoolVarP(&t.flags.quiet, "quiet", "q", false, "print no notes and no progress")
	root.AddCommand(
		t.setCommand(), t.getCommand(), t.deleteCommand(), t.listCommand(), t.applyCommand(), t.checkCommand(), t.serversCommand(),
		t.doctorCommand(), t.sandboxCommand(), t.demoCommand(), t.versionCommand(),
	)
	root.SetHelpCommand(t.helpCommand())
	prepareCompletion(root)
	completeFlag(root, "output", func(command *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return formatsOf(command), cobra.ShellCompDirectiveNoFileComp
	})
	refuseRepeatedFlags(root)
	return root
}

// does makes a command do work, and passes on what it returns.
func does(work func(context.Context, []string) (Result, error)) func(*cobra.Command, []string) error {
	return func(command *cobra.Command, args []string) error {
		result, err := work(command.Context(), args)
		return done{result, err}
	}
}

// formatsOf returns the values of --output that a command takes.
func formatsOf(command *cobra.Command) []string {
	if command.Name() == "list" {
		return []string{formatTable, formatJSON, formatYAML, formatZone}
	}
	return []string{formatTable, formatJSON}
}

// anyOf joins values as in "table, json or yaml".
func anyOf(values []string) string {
	last := len(values) - 1
	return strings.Join(values[:last], ", ") + " or " + values[last]
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

// describeJSON adds what a command prints with -o json to its help.
func describeJSON(command *cobra.Command, fields string) {
	command.Long = cmp.Or(command.Long, command.Short+".") + "\n\nWith -o json, it prints an object with these fields. Later versions may add\nfields, but keep these:\n" + fields
}

// kvmFlag adds --kvm to a command.
func (t tool) kvmFlag(command *cobra.Command, kvmID *string) {
	command.Flags().StringVar(kvmID, "kvm", "", "ID of the KVM server, instead of finding it from\nthe address; overrides EDIS_KVM_ID")
	placeholder(command, "kvm", "ID")
	completeFlag(command, "kvm", t.completeKVMIDs)
}

// parallelFlag adds --parallel to a command for many servers.
func parallelFlag(command *cobra.Command, parallel *int) {
	command.Flags().IntVar(parallel, "parallel", 8, "call the service for this many servers at the\nsame time")
	placeholder(command, "parallel", "N")
}

// atLeastOne returns an error if a command has no arguments of the given form.
func atLeastOne(form string) cobra.PositionalArgs {
	return func(command *cobra.Command, args []string) error {
		if len(args) == 0 {
			return fmt.Errorf("%s requires at least one %s", command.Name(), form)
		}
		return nil
	}
}

// noArguments returns an error if a command has arguments.
func noArguments(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("unexpected argument %q", args[0])
	}
	return nil
}

// placeholder sets what stands for the value of a flag in the help.
func placeholder(command *cobra.Command, name, text string) {
	flag := command.Flags().Lookup(name)
	flag.Value = namedValue{flag.Value, text}
	if flag.DefValue == "[]" || flag.DefValue == "0s" {
		flag.DefValue = "" // not worth a word in the help
	}
}

// A namedValue is a value whose type has another name in the help. Backquotes in the usage
// would do the same, but some shells show them in completions.
type namedValue struct {
	pflag.Value
	name string
}

// Type returns the name.
func (v namedValue) Type() string { return v.name }

// refuseRepeatedFlags makes it an error to give a flag of a single value twice: one of the
// two would be ignored.
func refuseRepeatedFlags(command *cobra.Command) {
	refuse := func(flag *pflag.Flag) {
		if !isList(flag.Value) {
			flag.Value = &singleValue{Value: flag.Value}
		}
	}
	command.PersistentFlags().VisitAll(refuse)
	for _, inner := range command.Commands() {
		inner.LocalNonPersistentFlags().VisitAll(refuse)
		refuseRepeatedFlags(inner)
	}
}

func isList(value pflag.Value) bool {
	if named, ok := value.(namedValue); ok {
		value = named.Value
	}
	_, list := value.(pflag.SliceValue)
	return list
}

// A singleValue can be set once.
type singleValue struct {
	pflag.Value
	set bool
}

// Set sets the value, or returns an error if it is set.
func (v *singleValue) Set(text string) error {
	if v.set {
		return errGivenTwice
	}
	v.set = true
	return v.Value.Set(text)
}

var errGivenTwice = errors.New("is given twice")

// flagError returns the error for a flag that could not be parsed.
func flagError(_ *cobra.Command, err error) error {
	var invalid *pflag.InvalidValueError
	if errors.Is(err, errGivenTwice) && errors.As(err, &invalid) {
		return fmt.Errorf("--%s %w", invalid.GetFlag().Name, errGivenTwice)
	}
	return err
}

// helpCommand replaces cobra's, which succeeds for an unknown command.
func (t tool) helpCommand() *cobra.Command {
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
				return fmt.Errorf("unknown command %q; 'edisptr help' lists the commands", strings.Join(args, " "))
			}
			topic.InitDefaultHelpFlag() // done by itself only for a command that runs
			topic.InitDefaultVersionFlag()
			return topic.Help()
		},
	}
}
