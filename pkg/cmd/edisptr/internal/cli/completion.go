package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/edisptr/edis-go/pkg/internal/redact"
)

// prepareCompletion adds the command completion, which writes the scripts of shells.
func prepareCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	completion, _, err := root.Find([]string{"completion"})
	if err != nil {
		return
	}
	completion.Args = noArguments
	completion.RunE = func(*cobra.Command, []string) error {
		return errors.New("completion requires the name of a shell; see 'edisptr help completion'")
	}
	completion.Long += "\n\nCompleting --kvm logs in, if a login is set up."
	for _, shell := range completion.Commands() {
		shell.Long = strings.ReplaceAll(shell.Long, "via your OS's package manager", "with your package manager") // fits 80 columns
		write := shell.RunE
		shell.RunE = func(command *cobra.Command, args []string) error {
			if err := write(command, args); err != nil {
				return done{err: outputError{err: err}}
			}
			return nil
		}
	}
}

// completeFlag makes a shell complete a flag with what values returns.
func completeFlag(command *cobra.Command, flag string, values cobra.CompletionFunc) {
	if err := command.RegisterFlagCompletionFunc(flag, values); err != nil {
		panic(fmt.Sprintf("edisptr: %v", err)) // the command has no such flag, in every build
	}
}

// completionLimit is how long a user waits for a completion.
const completionLimit = 3 * time.Second

// completeKVMIDs completes the KVM IDs of the account, if a login is set up. It asks for no
// password and shows no error: there is a command line in the way.
func (t tool) completeKVMIDs(command *cobra.Command, _ []string, _ string) (ids []string, _ cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(contextOf(command), completionLimit)
	defer cancel()
	account, err := t.ownAccount(ctx, noPrompt)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	sessions, err := account.Sessions(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	for _, session := range sessions {
		ids = append(ids, redact.Printable(session.KVMID)+"\t"+redact.Printable(session.Description))
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}

// contextOf returns the context of a command, which has none while it is completed.
func contextOf(command *cobra.Command) context.Context {
	if ctx := command.Context(); ctx != nil {
		return ctx
	}
	return context.Background()
}
