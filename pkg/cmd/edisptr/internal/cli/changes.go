package cli

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"

	"github.com/edisptr/edis-go/pkg/cmd/edisptr/internal/render"
	"github.com/edisptr/edis-go/pkg/reconcile"
)

// changeJSON is a change as apply prints it.
type changeJSON struct {
	KVMID  string          `json:"kvm_id"`
	IP     netip.Addr      `json:"ip"`
	From   string          `json:"from"`
	To     string          `json:"to"`
	Pruned bool            `json:"pruned"`
	State  reconcile.State `json:"state"`
	Error  string          `json:"error,omitempty"`
}

// summaryBody counts changes. As JSON it has all of them.
func summaryBody(changes []reconcile.Change) render.Document {
	all := make([]changeJSON, len(changes))
	for i, c := range changes {
		all[i] = changeJSON{c.KVMID, c.Addr, c.From, c.To, c.Pruned, c.State, errorText(c.Err)}
	}
	body := render.Document{JSON: map[string]any{"changes": all, "summary": counts(changes)}}
	if len(withStates(changes, reconcile.StateSkipped)) < len(changes) { // or else the error says it
		body.Lines = render.Lines(summary(changes))
	}
	return body
}

// changesBody also shows the changes that were made or failed, but not those that were
// skipped: they have one reason, which the error says.
func changesBody(changes []reconcile.Change) render.Document {
	var shown []recordJSON
	for _, c := range withStates(changes, reconcile.StateSet, reconcile.StateDeleted, reconcile.StateRefused, reconcile.StateUnknown, reconcile.StateChanged) {
		shown = append(shown, recordJSON{KVMID: c.KVMID, IP: c.Addr, Name: cmp.Or(c.To, c.From), State: c.State})
	}
	body := summaryBody(changes)
	body.Table = recordTable(shown)
	return body
}

// planBody also shows the planned changes.
func planBody(changes []reconcile.Change) render.Document {
	body := summaryBody(changes)
	body.Lines = append(diffLines(withStates(changes, reconcile.StatePlanned)), body.Lines...)
	return body
}

// diffLines shows planned changes as a diff, by server.
func diffLines(planned []reconcile.Change) (lines []render.Cell) {
	kvmID := ""
	for _, c := range planned {
		if c.KVMID != kvmID {
			kvmID = c.KVMID
			lines = append(lines, render.Cell{Text: kvmID, Color: render.Bold})
		}
		if c.From != "" {
			lines = append(lines, render.Cell{Text: fmt.Sprintf("- %s %s", c.Addr, c.From), Color: render.Red})
		}
		if c.To != "" {
			lines = append(lines, render.Cell{Text: fmt.Sprintf("+ %s %s", c.Addr, c.To), Color: render.Green})
		}
	}
	return lines
}

// confirm shows a plan to a person and asks for its changes, and separately for those of
// --prune. It drops what the person declines, and reports whether anything is left.
func (t *terminal) confirm(ctx context.Context, plan *reconcile.Plan) bool {
	var named, pruned []reconcile.Change
	for _, c := range withStates(plan.Changes(), reconcile.StatePlanned) {
		if c.Pruned {
			pruned = append(pruned, c)
		} else {
			named = append(named, c)
		}
	}
	if len(named)+len(pruned) == 0 {
		return true // nothing to ask
	}
	if err := plan.Err(); err != nil {
		t.show(render.Lines("Cannot be applied: " + reasonOf(err)))
	}
	t.show(diffLines(named))
	if len(named) > 0 && !t.ask(ctx, kindsOf(named)+". Apply?") {
		return false
	}
	t.show(diffLines(pruned))
	if len(pruned) > 0 && !t.ask(ctx, fmt.Sprintf("%d to delete that no file names. Delete?", len(pruned))) {
		plan.Drop(func(c reconcile.Change) bool { return c.Pruned })
		return len(named) > 0
	}
	return true
}

// kindsOf counts changes by kind, as in "2 to add, 1 to change, 1 to delete".
func kindsOf(changes []reconcile.Change) string {
	add, change, remove := 0, 0, 0
	for _, c := range changes {
		switch {
		case c.To == "":
			remove++
		case c.From == "":
			add++
		default:
			change++
		}
	}
	return fmt.Sprintf("%d to add, %d to change, %d to delete", add, change, remove)
}
