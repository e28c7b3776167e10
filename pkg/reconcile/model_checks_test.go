package reconcile_test

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/reconcile"
)

// checkWrite checks that nothing is lost: what a write replaces is what the plan says, by a
// reading that is young enough.
func (m *model) checkWrite(c call) {
	m.writes++
	maxAge := cmp.Or(m.options.MaxAge, 10*time.Second)
	for _, addr := range c.addrs {
		planned, known := m.changes[addr]
		read, wasRead := m.readings[addr]
		switch {
		case !known || planned.State != reconcile.StatePlanned:
			m.t.Errorf("%s: %s is written and was not planned", c, addr)
		case m.options.Overwrite && planned.To != "":
		case !wasRead || read.name != planned.From:
			m.t.Errorf("%s: %s is written over %q, planned was %q", c, addr, read.name, planned.From)
		case (planned.Pruned || maxAge < 0) && !read.applying:
			m.t.Errorf("%s: %s is written, and was read for the plan only", c, addr)
		case maxAge > 0 && time.Since(read.at) > maxAge+2*time.Minute: // attempts take a while
			m.t.Errorf("%s: %s is written, and was read %v ago", c, addr, time.Since(read.at))
		}
	}
}

// checkRecords checks that every record is what one of the writers wanted, and keeps what
// that is.
func (m *model) checkRecords() {
	now := m.now()
	for kvmID, addrs := range m.addrs {
		for _, addr := range addrs {
			to, desired := m.desired[addr]
			wanted := now[addr] == m.wanted[addr] ||
				desired && now[addr] == to ||
				!desired && m.options.Prune != nil && m.pruned[kvmID] && now[addr] == "" && !edis.IsDefaultName(addr, m.wanted[addr])
			if !wanted {
				m.t.Errorf("%s is %q, somebody else wanted %q, desired is %q (%v)", addr, now[addr], m.wanted[addr], to, desired)
			}
			m.wanted[addr] = now[addr]
		}
	}
}

// checkChange checks that the state of a change is true.
func (m *model) checkChange(c reconcile.Change) {
	was := func(name string) bool { return slices.Contains(m.seen[c.Addr], name) }
	now, before := m.now()[c.Addr], m.initial[c.Addr]
	var isTrue, isStill bool // at some time of the run, and now if nobody else wrote
	switch c.State {
	case reconcile.StateSet:
		isTrue, isStill = c.To != "" && was(c.To), now == c.To
	case reconcile.StateDeleted:
		isTrue, isStill = c.To == "" && was(""), now == ""
	case reconcile.StateKept:
		isTrue, isStill = c.From == c.To && c.To != "" && was(c.To), now == c.To
	case reconcile.StateAbsent:
		isTrue, isStill = c.To == "" && was(""), now == ""
	case reconcile.StateDefault:
		isTrue, isStill = c.To == "" && was(c.From) && edis.IsDefaultName(c.Addr, c.From), now == c.From
	case reconcile.StateRefused, reconcile.StateSkipped:
		isTrue, isStill = c.Err != nil, now == before
	case reconcile.StateChanged:
		isTrue, isStill = errors.Is(c.Err, reconcile.ErrChanged) && m.foreign[c.Addr], false
	case reconcile.StateUnknown:
		isTrue, isStill = c.Err != nil && m.changes[c.Addr].State == reconcile.StatePlanned, now == before || now == c.To
	case reconcile.StatePlanned:
	}
	if !isTrue || !isStill && !m.foreign[c.Addr] {
		m.t.Errorf("%s is reported as %s, from %q to %q; it was %q and is now %q", c.Addr, c.State, c.From, c.To, m.seen[c.Addr], now)
	}
}

// checkError checks that the error of a run says what happened to its changes.
func (m *model) checkError(ctx context.Context, changes []reconcile.Change, err error) {
	if m.changes == nil {
		m.checkNoPlan(ctx, err)
		return
	}
	want, failed, made := edis.OutcomeUnchanged, false, false
	for _, c := range changes {
		switch c.State {
		case reconcile.StateSet, reconcile.StateDeleted:
			made = true
		case reconcile.StateUnknown:
			failed, want = true, edis.OutcomeUnknown
		case reconcile.StateRefused, reconcile.StateSkipped, reconcile.StateChanged, reconcile.StatePlanned:
			failed = true
		case reconcile.StateKept, reconcile.StateAbsent, reconcile.StateDefault:
		}
	}
	got := edis.OutcomeOf(err)
	switch {
	case !failed:
		want = edis.OutcomeDone
	case made:
		want = edis.OutcomeUnknown
	case got == edis.OutcomeNotSent && want == edis.OutcomeUnchanged:
		want = got // nothing changed either
	}
	if got != want {
		m.t.Errorf("the outcome of %v is %q, want %q", err, got, want)
	}
	if failed && ctx.Err() != nil && !errors.Is(err, context.Canceled) {
		m.t.Errorf("the context ended, and the error is %v", err)
	}
}

// checkNoPlan checks that there was a reason for making no plan.
func (m *model) checkNoPlan(ctx context.Context, err error) {
	failed := new(edis.CallError)
	switch {
	case !errors.As(err, &failed) || failed.Outcome == edis.OutcomeUnknown || m.writes > 0:
		m.t.Errorf("NewPlan = %v after %d writes, want an error that changed nothing", err, m.writes)
	case failed.Op != "plan": // the login of Servers
	case errors.Is(err, edis.ErrInvalidInput):
		if !m.listRefused {
			m.t.Errorf("NewPlan = %v for valid input", err)
		}
	case ctx.Err() == nil && !m.refused:
		m.t.Errorf("NewPlan = %v, want the failure of a server in its changes", err)
	}
}

// checkComplete checks that all records are as desired.
func (m *model) checkComplete() {
	now := m.now()
	isNone := func(addr netip.Addr) bool { return now[addr] == "" || edis.IsDefaultName(addr, now[addr]) }
	for kvmID, addrs := range m.addrs {
		for _, addr := range addrs {
			name, desired := m.desired[addr]
			prune := !desired && m.options.Prune != nil && m.pruned[kvmID]
			if desired && name != "" && now[addr] != name || (prune || desired && name == "") && !isNone(addr) {
				m.t.Errorf("%s is %q after a run that was left in peace, desired is %q (%v)", addr, now[addr], name, desired)
			}
		}
	}
}
