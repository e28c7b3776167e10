package cli

import (
	"net/netip"
	"slices"

	"github.com/edisptr/edis-go/pkg/cmd/edisptr/internal/render"
	"github.com/edisptr/edis-go/pkg/reconcile"
)

// recordJSON is a record as set, get and delete print it.
type recordJSON struct {
	KVMID string          `json:"kvm_id"`
	IP    netip.Addr      `json:"ip"`
	Name  string          `json:"name"`
	State reconcile.State `json:"state"`
	Error string          `json:"error,omitempty"`
}

const recordFields = `  records           all records, sorted by address
  records[].kvm_id  KVM ID of the server; empty if it was not found
  records[].ip      address
  records[].name    host name; empty for no record
  records[].state   see above
  records[].error   why the record was not read or changed`

// recordsBody shows the records of changes. As a table it leaves out those that were
// skipped: they have one reason, which the error says.
func recordsBody(changes []reconcile.Change, name func(reconcile.Change) string) render.Document {
	records := make([]recordJSON, len(changes))
	for i, change := range changes {
		records[i] = recordJSON{change.KVMID, change.Addr, name(change), change.State, errorText(change.Err)}
	}
	slices.SortFunc(records, func(a, b recordJSON) int { return a.IP.Compare(b.IP) })
	body := render.Document{JSON: map[string]any{"records": slices.Clone(records)}}
	shown := slices.DeleteFunc(records, func(r recordJSON) bool { return r.State == reconcile.StateSkipped })
	if skipped := withStates(changes, reconcile.StateSkipped); len(shown) > 0 && len(skipped) > 0 {
		body.Lines = render.Lines(summary(skipped))
	}
	body.Table = recordTable(shown)
	return body
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return reasonOf(err)
}

// recordTable shows records, with the KVM IDs of several servers.
func recordTable(records []recordJSON) [][]render.Cell {
	several := slices.ContainsFunc(records, func(r recordJSON) bool { return r.KVMID != records[0].KVMID })
	table := [][]render.Cell{{{Text: "KVM ID"}, {Text: "IP"}, {Text: "NAME"}, {Text: "STATE"}}}
	for _, r := range records {
		table = append(table, []render.Cell{{Text: r.KVMID}, {Text: r.IP.String()}, {Text: r.Name}, stateCell(r.State)})
	}
	if several {
		return table
	}
	for i := range table {
		table[i] = table[i][1:]
	}
	return table
}

func toName(change reconcile.Change) string   { return change.To }
func fromName(change reconcile.Change) string { return change.From }
