package main

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/spf13/cobra"
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
	a.kvmFlag(command)
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

// noArguments returns an error if a command has arguments.
func noArguments(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("unexpected argument %q", args[0])
	}
	return nil
}

func (a *app) set(ctx context.Context, args []string, confirm bool) error {
	assignments, errs := parseAssignments(args)
	t, envErrs := a.target(ctx)
	if errs = append(errs, envErrs...); len(errs) > 0 {
		return a.allInputErrors(ctx, assignments, errs)
	}
	ptrs := make(map[netip.Addr]string, len(assignments))
	for _, item := range assignments {
		ptrs[item.address] = item.name
	}
	if !confirm {
		return a.writeAndPrint(ctx, t, stateSet, ptrs, nil)
	}
	return a.writeAndPrint(ctx, t, stateSet, ptrs, func(states map[netip.Addr]state) error { return a.confirm(ctx, t, ptrs, states) })
}

// writeAndPrint writes records of one server, calls then if that succeeds, which may
// change their states, and prints them.
func (a *app) writeAndPrint(ctx context.Context, t target, done state, want map[netip.Addr]string, then func(map[netip.Addr]state) error) error {
	a.writes = true
	states, err := a.write(ctx, t, done, want)
	if err == nil && then != nil {
		err = then(states)
	}
	if err != nil && a.exitStatus(err) == exitUsage {
		return err
	}
	a.printRecords(t.resolveKVMID(ctx), sortedRecords(want, states))
	a.next = "To see the records, run: edisptr get"
	if a.kvmID != "" {
		a.next += " --kvm " + shellQuote(a.kvmID)
	}
	for _, address := range slices.SortedFunc(maps.Keys(want), netip.Addr.Compare) {
		a.next += " " + address.String()
	}
	return err
}

// confirm reads back the records until they match ptrs. It sets the state of
// those that do not match to unknown.
func (a *app) confirm(ctx context.Context, t target, ptrs map[netip.Addr]string, states map[netip.Addr]state) error {
	ctx, cancel := context.WithTimeout(ctx, confirmLimit)
	defer cancel()
	differing, err := t.client.ConfirmPTR(ctx, t.source, ptrs)
	if err == nil {
		return nil
	}
	for address := range states {
		if _, differs := differing[address]; differs || differing == nil {
			states[address] = stateUnknown
		}
	}
	return fmt.Errorf("set, but not confirmed by reading back: %s", causes(err))
}
