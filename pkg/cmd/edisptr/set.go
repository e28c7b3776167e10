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
		Short:   "Set PTR records in one request",
		Example: "  edisptr set 192.0.2.10=mail.example.com 2001:db8::10=mail.example.com",
		Args:    atLeastOne("IP=HOST"),
		RunE: func(command *cobra.Command, args []string) error {
			return a.set(command.Context(), args, confirm)
		},
	}
	command.Flags().BoolVar(&a.allowUnderscore, "allow-underscore", false, "allow underscores in host names")
	command.Flags().BoolVar(&confirm, "confirm", false, fmt.Sprintf("read back the records until they match, up to %s", confirmLimit))
	return command
}

// confirmLimit bounds how long set --confirm reads back the records.
const confirmLimit = 2 * time.Minute

// atLeastOne returns an error if a command has no arguments of the given form.
func atLeastOne(form string) cobra.PositionalArgs {
	return func(command *cobra.Command, args []string) error {
		if len(args) == 0 {
			return fmt.Errorf("%s requires at least one %s", command.Name(), form)
		}
		return nil
	}
}

func (a *app) set(ctx context.Context, args []string, confirm bool) error {
	assignments, errs := parseAssignments(args)
	t, envErrs := a.target()
	if errs = append(errs, envErrs...); len(errs) > 0 {
		return a.allInputErrors(ctx, assignments, errs)
	}
	ptrs := make(map[netip.Addr]string, len(assignments))
	for _, item := range assignments {
		ptrs[item.address] = item.name
	}
	err := t.client.SetPTR(ctx, t.source, ptrs)
	records := sortedRecords(ptrs, stateAfter(stateSet, err))
	if err == nil {
		a.changed = true
		if confirm {
			err = a.confirm(ctx, t, ptrs, records)
		}
	}
	if err == nil || a.exitStatus(err) != exitUsage {
		a.printRecords(t.resolveKVMID(ctx), records)
	}
	return err
}

// confirm reads back the records until they match ptrs. It sets the state of
// those that do not match to unknown.
func (a *app) confirm(ctx context.Context, t target, ptrs map[netip.Addr]string, records []recordState) error {
	ctx, cancel := context.WithTimeout(ctx, confirmLimit)
	defer cancel()
	differing, err := t.client.ConfirmPTR(ctx, t.source, ptrs)
	if err == nil {
		return nil
	}
	for i := range records {
		if _, differs := differing[records[i].IP]; differs || differing == nil {
			records[i].State = stateUnknown
		}
	}
	return fmt.Errorf("set, but not confirmed by reading back: %w", err)
}

// stateAfter returns the state of records after a write that returned err.
func stateAfter(done state, err error) state {
	switch {
	case err == nil:
		return done
	case errors.Is(err, edis.ErrOutcomeUnknown):
		return stateUnknown
	}
	return stateUnchanged
}
