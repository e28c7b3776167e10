package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/edisptr/edis-go/pkg/reconcile"
)

func (t tool) getCommand() *cobra.Command {
	kvmID := ""
	command := &cobra.Command{
		Use:        "get IP ...",
		Short:      "Read PTR records",
		SuggestFor: []string{"show", "read"},
		Long: `Get reads the PTR records of addresses.

States of a record: present; absent; default (a name that the provider gives to
the address by itself); skipped (it could not be read).`,
		Example: "  edisptr get 192.0.2.10 2001:db8::10",
		Args:    atLeastOne("IP"),
		RunE: does(func(ctx context.Context, args []string) (Result, error) {
			return t.get(ctx, args, kvmID)
		}),
	}
	t.kvmFlag(command, &kvmID)
	describeJSON(command, recordFields)
	nameVariables(command, callVariables)
	return command
}

func (t tool) get(ctx context.Context, args []string, kvmID string) (Result, error) {
	plan, err := t.planToDelete(ctx, args, kvmID)
	if err != nil {
		return Result{}, err
	}
	changes := plan.Changes()
	for i, change := range changes {
		if change.State == reconcile.StatePlanned { // to be deleted, which get does not do
			changes[i].State = statePresent
		}
	}
	return Result{Body: recordsBody(changes, fromName)}, plan.Err()
}

func (t tool) deleteCommand() *cobra.Command {
	kvmID := ""
	command := &cobra.Command{
		Use:        "delete IP ...",
		Short:      "Delete PTR records",
		SuggestFor: []string{"rm", "remove", "del", "unset", "clear"},
		Long: `Delete reads the PTR records of addresses, and deletes those that exist,
with one request for each server.

States of a record: deleted; absent (there was none); default (a name that the
provider gives to the address by itself, which is left alone); refused (the
service refused it, and nothing changed); skipped (not sent); unknown (it may
have changed).`,
		Example: "  edisptr delete 192.0.2.10 2001:db8::10",
		Args:    atLeastOne("IP"),
		RunE: does(func(ctx context.Context, args []string) (Result, error) {
			return t.delete(ctx, args, kvmID)
		}),
	}
	t.kvmFlag(command, &kvmID)
	describeJSON(command, recordFields)
	nameVariables(command, callVariables)
	return command
}

func (t tool) delete(ctx context.Context, args []string, kvmID string) (Result, error) {
	plan, err := t.planToDelete(ctx, args, kvmID)
	if err != nil {
		return Result{}, err
	}
	changes, err := plan.Apply(ctx)
	return recordsResult(changes, kvmID), err
}

// planToDelete returns a plan to delete the records of the addresses in the arguments,
// which has read them.
func (t tool) planToDelete(ctx context.Context, args []string, kvmID string) (*reconcile.Plan, error) {
	var bad problems
	records := parseAddresses(args, &bad)
	service, err := t.access(ctx, kvmID, false, bad)
	if err != nil {
		return nil, err
	}
	return reconcile.NewPlan(ctx, service.client, service.servers, reconcile.Records{"": records}, nil)
}
