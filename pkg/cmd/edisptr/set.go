package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/spf13/cobra"

	"github.com/edisptr/edis-go/pkg/edis"
)

func (a *app) setCommand() *cobra.Command {
	confirm := false
	command := &cobra.Command{
		Use:     "set IP=HOST ...",
		Short:   "Set PTR records in one call",
		Example: "  edisptr set 192.0.2.10=mail.example.com 2001:db8::10=mail.example.com",
		Args:    atLeastOne("IP=HOST"),
		RunE: func(command *cobra.Command, args []string) error {
			return a.set(command.Context(), args, confirm)
		},
	}
	command.Flags().BoolVar(&a.allowUnderscore, "allow-underscore", false, "permit underscores in host names")
	command.Flags().BoolVar(&confirm, "confirm", false, fmt.Sprintf("read back until the records are there, for at most %s", confirmLimit))
	return command
}

// confirmLimit is how long set --confirm waits for the service to show what it
// has confirmed already.
const confirmLimit = 2 * time.Minute

// atLeastOne refuses a command line without arguments of a form.
func atLeastOne(form string) cobra.PositionalArgs {
	return func(command *cobra.Command, args []string) error {
		if len(args) == 0 {
			return fmt.Errorf("%s needs at least one %s", command.Name(), form)
		}
		return nil
	}
}

func (a *app) set(ctx context.Context, args []string, confirm bool) error {
	assignments, bad := parseAssignments(args)
	t, missing := a.target()
	if bad = append(bad, missing...); len(bad) > 0 {
		return a.refuse(ctx, assignments, bad)
	}
	ptrs := make(map[netip.Addr]string, len(assignments))
	for _, item := range assignments {
		ptrs[item.address] = item.name
	}
	err := t.client.SetPTR(ctx, t.source, ptrs)
	states := recordsOf(ptrs, stateAfter(stateSet, err))
	if err == nil {
		a.changed = true
		if confirm {
			err = a.confirm(ctx, t, ptrs, states)
		}
	}
	if err == nil || a.exitStatus(err) != exitUsage {
		a.printRecords(t.kvm(ctx), states)
	}
	return err
}

// confirm reads back until the service shows ptrs, and marks in states what it
// does not show.
func (a *app) confirm(ctx context.Context, t target, ptrs map[netip.Addr]string, states []recordState) error {
	ctx, cancel := context.WithTimeout(ctx, confirmLimit)
	defer cancel()
	differing, err := t.client.ConfirmPTR(ctx, t.source, ptrs)
	for i := range states {
		if _, differs := differing[states[i].IP]; err != nil && (differs || differing == nil) {
			states[i].State = stateUnknown
		}
	}
	if err != nil {
		return fmt.Errorf("set, but reading back did not confirm it: %w", err)
	}
	return nil
}

// stateAfter is the state of the records of a write that ended with err.
func stateAfter(done state, err error) state {
	switch {
	case err == nil:
		return done
	case errors.Is(err, edis.ErrOutcomeUnknown):
		return stateUnknown
	}
	return stateUnchanged
}
