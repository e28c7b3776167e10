package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/edisptr/edis-go/pkg/cmd/edisptr/internal/render"
	"github.com/edisptr/edis-go/pkg/reconcile"
)

// statePresent is that of a record that was only read. All other states are those of
// package reconcile.
const statePresent reconcile.State = "present"

// states are all states of a record, in the order of a summary, with their colors.
var states = []struct {
	state reconcile.State
	color render.Color
}{
	{reconcile.StatePlanned, render.Yellow},
	{reconcile.StateSet, render.Green},
	{reconcile.StateDeleted, render.Green},
	{reconcile.StateKept, ""},
	{reconcile.StateAbsent, ""},
	{reconcile.StateDefault, ""},
	{reconcile.StateChanged, render.Yellow},
	{reconcile.StateRefused, render.Red},
	{reconcile.StateSkipped, render.Yellow},
	{reconcile.StateUnknown, render.Red},
}

// stateCell shows a state in its color.
func stateCell(state reconcile.State) render.Cell {
	for _, known := range states {
		if known.state == state {
			return render.Cell{Text: string(state), Color: known.color}
		}
	}
	return render.Cell{Text: string(state)}
}

// counts returns how many changes are in each state.
func counts(changes []reconcile.Change) map[reconcile.State]int {
	byState := make(map[reconcile.State]int)
	for _, change := range changes {
		byState[change.State]++
	}
	return byState
}

// summary says how many changes are in which state, as in "1 set, 999 kept".
func summary(changes []reconcile.Change) string {
	byState := counts(changes)
	var texts []string
	for _, known := range states {
		if n := byState[known.state]; n > 0 {
			texts = append(texts, fmt.Sprintf("%d %s", n, known.state))
		}
	}
	return strings.Join(texts, ", ")
}

// changedRecords counts the changes that were made, as in "2 set, 1 deleted".
func changedRecords(changes []reconcile.Change) string {
	return summary(withStates(changes, reconcile.StateSet, reconcile.StateDeleted))
}

// withStates returns the changes that are in one of the states.
func withStates(changes []reconcile.Change, wanted ...reconcile.State) (some []reconcile.Change) {
	for _, change := range changes {
		if slices.Contains(wanted, change.State) {
			some = append(some, change)
		}
	}
	return some
}
