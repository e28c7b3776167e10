package cli

import (
	"cmp"
	"context"
	"maps"
	"net/netip"
	"slices"

	"github.com/edisptr/edis-go/pkg/cmd/edisptr/internal/recordfile"
	"github.com/edisptr/edis-go/pkg/reconcile"
)

// plan compares the records of files with those of the service. The progress is that of the
// plan, and of applying it.
func (t tool) plan(ctx context.Context, options applyOptions, set *recordfile.Set, progress *progress) (*reconcile.Plan, error) {
	selected := cmp.Or(options.kvmID, t.Env("EDIS_KVM_ID"))
	records := assign(set.Records, selected)
	service, err := t.accessFor(ctx, records, options)
	if err != nil {
		return nil, err
	}
	if len(service.servers) == 1 {
		selected = service.servers[0].Session.KVMID
	}
	planOptions := &reconcile.Options{Batch: options.batch, Parallel: options.parallel, Progress: progress.set}
	if !options.yes {
		planOptions.MaxAge = -1 // the plan waits for a person
	}
	if options.prune {
		if set.LeavesServersOpen() && selected == "" {
			return nil, usagef("--prune must know the server of each address; give KVM IDs in the file, or --kvm")
		}
		service.servers = covered(service.servers, records, set)
		planOptions.Prune = func(kvmID string, addr netip.Addr) bool {
			return set.Covers(kvmID, addr) || set.LeavesServersOpen() && kvmID == selected
		}
	}
	return reconcile.NewPlan(ctx, service.client, service.servers, records, planOptions)
}

// assign gives the records without a KVM ID to the selected server, if there is one. A set
// names an address once.
func assign(records reconcile.Records, selected string) reconcile.Records {
	if selected == "" || len(records[""]) == 0 {
		return records
	}
	assigned, own := maps.Clone(records), maps.Clone(records[""])
	maps.Copy(own, records[selected])
	assigned[selected] = own
	delete(assigned, "")
	return assigned
}

// accessFor returns access to the servers of the records: with the session in the
// environment if that is enough, or else to all servers of the account, so that a wrong
// KVM ID is noticed before anything is changed.
func (t tool) accessFor(ctx context.Context, records reconcile.Records, options applyOptions) (access, error) {
	own := t.Env("EDIS_KVM_ID")
	others := slices.ContainsFunc(slices.Collect(maps.Keys(records)), func(kvmID string) bool { return kvmID != "" && kvmID != own })
	if t.Env("EDIS_SIGNATURE") != "" && (!others || t.Env("EDIS_EMAIL") == "") {
		return t.sessionAccess(own, options.allowUnderscore, nil)
	}
	return t.accountAccess(ctx, "", options.allowUnderscore, nil)
}

// covered returns the servers whose records must be listed to prune: all if the files
// cover zones or leave the server open, or else those that they name. If they name one that
// there is not, it returns all, so that the plan can say which there are.
func covered(servers []reconcile.Server, records reconcile.Records, set *recordfile.Set) []reconcile.Server {
	var named []reconcile.Server
	for _, server := range servers {
		if _, ok := records[server.Session.KVMID]; ok {
			named = append(named, server)
		}
	}
	if len(records[""]) > 0 || set.CoversZones() || len(named) < len(records) {
		return servers
	}
	return named
}

func countRecords(records reconcile.Records) (n int) {
	for _, ptrs := range records {
		n += len(ptrs)
	}
	return n
}
