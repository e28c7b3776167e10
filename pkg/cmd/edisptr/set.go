package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/spf13/cobra"

	"github.com/edisptr/edis-go/pkg/edis"
)

func (a *app) setCommand() *cobra.Command {
	command := &cobra.Command{
		Use:     "set IP=HOST ...",
		Short:   "Set PTR records in one call",
		Example: "  edisptr set 192.0.2.10=mail.example.com 2001:db8::10=mail.example.com",
		Args:    atLeastOne("IP=HOST"),
		RunE: func(command *cobra.Command, args []string) error {
			return a.set(command.Context(), args)
		},
	}
	command.Flags().BoolVar(&a.allowUnderscore, "allow-underscore", false, "permit underscores in host names")
	return command
}

// atLeastOne refuses a command line without arguments of a form.
func atLeastOne(form string) cobra.PositionalArgs {
	return func(command *cobra.Command, args []string) error {
		if len(args) == 0 {
			return fmt.Errorf("%s needs at least one %s; see %s --help", command.Name(), form, command.CommandPath())
		}
		return nil
	}
}

func (a *app) set(ctx context.Context, args []string) error {
	client, err := a.client()
	if err != nil {
		return err
	}
	ptrs, bad := parseAssignments(args)
	if len(bad) > 0 {
		return refuse(ctx, client, ptrs, bad)
	}
	err = client.SetPTR(ctx, environmentSession{a.env}, ptrs)
	a.changed = err == nil
	if err == nil || a.exitStatus(err) != exitUsage {
		a.printRecords(a.env("EDIS_KVM_ID"), recordsOf(ptrs, stateAfterSet(err)))
	}
	return err
}

// refuse adds to what is wrong with the command line what the library finds
// wrong with the records that could be read.
func refuse(ctx context.Context, client *edis.Client, ptrs map[netip.Addr]string, bad problems) error {
	if len(ptrs) > 0 {
		if err := client.SetPTR(ctx, refusing{}, ptrs); errors.Is(err, edis.ErrInvalidInput) {
			bad = append(bad, err)
		}
	}
	return errors.Join(bad...)
}

func stateAfterSet(err error) state {
	switch {
	case err == nil:
		return stateSet
	case errors.Is(err, edis.ErrOutcomeUnknown):
		return stateUnknown
	}
	return stateUnchanged
}
