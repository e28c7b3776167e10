package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/reconcile"
)

// setOptions are the flags of set.
type setOptions struct {
	kvmID                    string
	allowUnderscore, confirm bool
}

func (t tool) setCommand() *cobra.Command {
	var options setOptions
	command := &cobra.Command{
		Use:        "set IP=HOST ...",
		Short:      "Set PTR records",
		SuggestFor: []string{"add", "create", "update"},
		Long: `Set sets the PTR records of addresses, with one request for each server.

States of a record: set; refused (the service refused it, and nothing changed);
skipped (not sent); unknown (it may have changed).`,
		Example: "  edisptr set 192.0.2.10=mail.example.com 2001:db8::10=mail.example.com",
		Args:    atLeastOne("IP=HOST"),
		RunE: does(func(ctx context.Context, args []string) (Result, error) {
			return t.set(ctx, args, options)
		}),
	}
	command.Flags().BoolVar(&options.allowUnderscore, "allow-underscore", false, "allow underscores in host names")
	command.Flags().BoolVar(&options.confirm, "confirm", false, fmt.Sprintf("read back the records until they match, up to %s", confirmLimit))
	t.kvmFlag(command, &options.kvmID)
	describeJSON(command, recordFields)
	nameVariables(command, callVariables)
	return command
}

func (t tool) set(ctx context.Context, args []string, options setOptions) (Result, error) {
	var bad problems
	client, _ := t.client(options.allowUnderscore) // access reports the error
	records := parseAssignments(args, client, &bad)
	service, err := t.access(ctx, options.kvmID, options.allowUnderscore, bad)
	if err != nil {
		return Result{}, err
	}
	plan, err := reconcile.NewPlan(ctx, service.client, service.servers, reconcile.Records{"": records}, &reconcile.Options{Overwrite: true})
	if err != nil {
		return Result{}, err
	}
	changes, err := plan.Apply(ctx)
	if err == nil && options.confirm {
		err = service.confirm(ctx, changes)
	}
	return recordsResult(changes, options.kvmID), err
}

// recordsResult shows what has become of all records.
func recordsResult(changes []reconcile.Change, kvmID string) Result {
	next := []string{"To see the records, run: edisptr get"}
	if kvmID != "" {
		next = append(next, "--kvm", shellQuote(kvmID))
	}
	for _, change := range changes {
		next = append(next, change.Addr.String())
	}
	return Result{Body: recordsBody(changes, toName), Changed: changedRecords(changes), Next: strings.Join(next, " ")}
}

// confirmLimit bounds how long set --confirm reads back the records.
const confirmLimit = 2 * time.Minute

// confirm reads back the records until they are as desired. It sets the state of those
// that are not to unknown.
func (a access) confirm(ctx context.Context, changes []reconcile.Change) error {
	ctx, cancel := context.WithTimeout(ctx, confirmLimit)
	defer cancel()
	want := make(map[string]map[netip.Addr]string)
	for _, change := range changes {
		if want[change.KVMID] == nil {
			want[change.KVMID] = make(map[netip.Addr]string)
		}
		want[change.KVMID][change.Addr] = change.To
	}
	for _, kvmID := range slices.Sorted(maps.Keys(want)) {
		differing, err := a.client.ConfirmPTR(ctx, a.sourceOf(kvmID), want[kvmID])
		if err == nil {
			continue
		}
		for i, change := range changes {
			if _, differs := differing[change.Addr]; change.KVMID == kvmID && (differs || differing == nil) {
				changes[i].State, changes[i].Err = reconcile.StateUnknown, err
			}
		}
		return about{"set, but not confirmed by reading back", err}
	}
	return nil
}

// sourceOf returns the source of the sessions of a server.
func (a access) sourceOf(kvmID string) edis.SessionSource {
	for _, server := range a.servers {
		if server.Session.KVMID == kvmID && server.Source != nil {
			return server.Source
		}
	}
	return a.servers[0].Session
}

var errDeclined = failedError{errors.New("nothing changed")}
