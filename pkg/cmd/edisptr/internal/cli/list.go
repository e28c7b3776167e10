package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"maps"
	"net/netip"
	"slices"

	"github.com/spf13/cobra"

	"github.com/edisptr/edis-go/pkg/cmd/edisptr/internal/recordfile"
	"github.com/edisptr/edis-go/pkg/cmd/edisptr/internal/render"
	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/reconcile"
)

// listOptions are the flags of list.
type listOptions struct {
	kvmID    string
	parallel int
}

func (t tool) listCommand() *cobra.Command {
	var options listOptions
	command := &cobra.Command{
		Use:   "list",
		Short: "List the PTR records of all servers or one",
		Long: `List prints the PTR records that the service has for all servers of the
account, or for the one that --kvm or EDIS_KVM_ID names. With -o yaml or -o zone
it prints a file for 'edisptr apply -f', which requires --allow-underscore if
names have underscores. A zone file does not name the servers.

The provider's document does not mention listing, and the service may refuse it.
If so, read records by address, with 'edisptr get'.

States of a record: present; absent (listed without a name); default (a name
that the provider gives to the address by itself).`,
		Example: "  edisptr list\n  edisptr list -o yaml >ptr.yaml",
		Args:    noArguments,
		RunE: does(func(ctx context.Context, _ []string) (Result, error) {
			if options.parallel < 1 {
				return Result{}, usagef("--parallel must be at least 1")
			}
			return t.list(ctx, options)
		}),
	}
	parallelFlag(command, &options.parallel)
	t.kvmFlag(command, &options.kvmID)
	command.Flags().Lookup("kvm").Usage = "ID of the only KVM server to list; overrides\nEDIS_KVM_ID"
	describeJSON(command, `  servers                    the servers, sorted by KVM ID
  servers[].kvm_id           KVM ID
  servers[].records          its records, sorted by address
  servers[].records[].ip     address
  servers[].records[].name   host name; empty for no record
  servers[].records[].state  see above
  servers[].error            why the server could not be listed`)
	nameVariables(command, callVariables)
	return command
}

func (t tool) list(ctx context.Context, options listOptions) (Result, error) {
	service, err := t.access(ctx, options.kvmID, false, nil)
	if err != nil {
		return Result{}, err
	}
	progress := t.progress("listing", len(service.servers))
	listings, err := reconcile.List(ctx, service.client, service.servers, &reconcile.Options{Parallel: options.parallel, Progress: progress.set})
	progress.end()
	if err != nil {
		return Result{}, err
	}
	body, err := t.listBody(listings)
	return Result{Body: body}, cmp.Or(err, listError(listings))
}

// listJSON is a server as list prints it.
type listJSON struct {
	KVMID   string         `json:"kvm_id"`
	Records []listedRecord `json:"records"`
	Error   string         `json:"error,omitempty"`
}

type listedRecord struct {
	IP    netip.Addr      `json:"ip"`
	Name  string          `json:"name"`
	State reconcile.State `json:"state"`
}

func (t tool) listBody(listings []reconcile.Listing) (body render.Document, err error) {
	var text bytes.Buffer
	switch t.flags.format {
	case formatYAML:
		err = recordfile.WriteYAML(&text, recordsOf(listings))
		body.Raw = text.Bytes()
	case formatZone:
		err = recordfile.WriteZone(&text, recordsOf(listings))
		body.Raw = text.Bytes()
	default:
		servers := make([]listJSON, len(listings))
		var records []recordJSON
		for i, listing := range listings {
			servers[i] = newListJSON(listing)
			for _, r := range servers[i].Records {
				records = append(records, recordJSON{KVMID: servers[i].KVMID, IP: r.IP, Name: r.Name, State: r.State})
			}
		}
		body = render.Document{Table: recordTable(records), JSON: map[string]any{"servers": servers}}
	}
	return body, err
}

func newListJSON(listing reconcile.Listing) listJSON {
	server := listJSON{listing.Server.Session.KVMID, []listedRecord{}, errorText(listing.Err)}
	for _, addr := range slices.SortedFunc(maps.Keys(listing.Records), netip.Addr.Compare) {
		name, state := listing.Records[addr], statePresent
		switch {
		case name == "":
			state = reconcile.StateAbsent
		case edis.IsDefaultName(addr, name):
			state = reconcile.StateDefault
		}
		server.Records = append(server.Records, listedRecord{addr, name, state})
	}
	return server
}

// recordsOf returns the records of all servers that could be listed.
func recordsOf(listings []reconcile.Listing) map[string]map[netip.Addr]string {
	records := make(map[string]map[netip.Addr]string)
	for _, listing := range listings {
		if listing.Err == nil {
			records[listing.Server.Session.KVMID] = listing.Records
		}
	}
	return records
}

// listError names the servers that could not be listed.
func listError(listings []reconcile.Listing) error {
	if len(listings) == 1 {
		return listings[0].Err
	}
	var errs []error
	for _, listing := range listings {
		if listing.Err != nil {
			errs = append(errs, about{listing.Server.Session.KVMID, listing.Err})
		}
	}
	return failed(errors.Join(errs...))
}
