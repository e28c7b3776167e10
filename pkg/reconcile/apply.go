package reconcile

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
)

// readBackLimit is how long the records are read back after a write whose outcome is
// unknown. The service may show a write late.
const readBackLimit = 5 * time.Second

var errApplied = errors.New("the plan has been applied; make a new one")

// Apply makes the planned changes, with one request per batch, and returns all changes of
// the plan. A second Apply fails and sends nothing, as the plan says nothing about the
// records after the first. For each server, it first sets records and then deletes others.
// It stops at the first request of a server that fails, but other servers go on. If the
// outcome of a write is unknown, it reads the records back for up to 5 seconds. If ctx
// ends, or the service refuses a login, it starts no other server.
//
// The error is nil if all records are as desired now. Otherwise it is an
// [*edis.CallError] with the Op "apply", which matches the errors of all changes,
// including [ErrChanged]. Its Outcome is that of all changes together. It is unknown if
// one of them is, or if some changes were made and some were not. Its RetryAfter is the
// longest of theirs.
func (p *Plan) Apply(ctx context.Context) ([]Change, error) {
	if p.applied {
		return p.Changes(), &edis.CallError{Op: "apply", Outcome: edis.OutcomeNotSent, Err: errApplied}
	}
	p.applied = true
	p.reports.done = 0
	p.forEach(ctx, p.servers, p.applyTo)
	for _, s := range p.servers {
		s.skip(StatePlanned)
	}
	return p.Changes(), p.failure(ctx, "apply")
}

// skip marks the changes in a state as skipped, for the reason why the server was given up.
func (s *server) skip(state State) {
	for _, c := range s.changes {
		if c.State == state {
			c.State, c.Err = StateSkipped, s.err
		}
	}
}

// applyTo makes the changes of one server.
func (p *Plan) applyTo(ctx context.Context, s *server) error {
	for _, deleting := range []bool{false, true} {
		planned := only(s.changes, func(c *change) bool { return c.State == StatePlanned && (c.To == "") == deleting })
		for batch := range slices.Chunk(planned, p.options.Batch) {
			err := p.applyBatch(ctx, s, batch, deleting)
			p.reports.add(len(batch))
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func only(changes []*change, wanted func(*change) bool) []*change {
	return slices.DeleteFunc(slices.Clone(changes), func(c *change) bool { return !wanted(c) })
}

func (p *Plan) applyBatch(ctx context.Context, s *server, batch []*change, deleting bool) error {
	if err := p.readAgain(ctx, s, batch); err != nil {
		return err
	}
	batch = only(batch, func(c *change) bool { return c.State == StatePlanned })
	if len(batch) == 0 {
		return nil
	}
	if deleting {
		return p.finish(ctx, s, batch, StateDeleted, p.client.DeletePTR(ctx, s.source, addrsOf(batch)...))
	}
	return p.finish(ctx, s, batch, StateSet, p.client.SetPTR(ctx, s.source, namesOf(batch)))
}

func namesOf(batch []*change) map[netip.Addr]string {
	names := make(map[netip.Addr]string, len(batch))
	for _, c := range batch {
		names[c.Addr] = c.To
	}
	return names
}

// readAgain reads the records of a batch whose readings are too old, or that are to be
// pruned. A change whose record is no longer what it was is not planned any more.
func (p *Plan) readAgain(ctx context.Context, s *server, batch []*change) error {
	old := only(batch, func(c *change) bool {
		wasRead := !c.read.IsZero() // else there is nothing to compare with: Options.Overwrite
		return c.Pruned || wasRead && time.Since(c.read) > p.options.MaxAge
	})
	if len(old) == 0 {
		return nil
	}
	current, err := p.client.GetPTR(ctx, s.source, addrsOf(old)...)
	if err != nil {
		return err
	}
	for _, c := range old {
		c.decideAgain(current[c.Addr])
	}
	return nil
}

// decideAgain sets the state of a planned change whose record was read again. Somebody
// else may have done what was planned.
func (c *change) decideAgain(name string) {
	if name == c.From {
		return
	}
	now := *c
	now.From = name
	if now.decide(); now.State != StatePlanned {
		*c = now
		return
	}
	c.State, c.Err = StateChanged, fmt.Errorf("%w: it is %s now", ErrChanged, recordText(name))
}

func recordText(name string) string {
	if name == "" {
		return "no record"
	}
	return fmt.Sprintf("%q", name)
}

// finish sets the states of a batch after a write that returned err. It returns nil if
// all records are as desired after all.
func (p *Plan) finish(ctx context.Context, s *server, batch []*change, done State, err error) error {
	switch edis.OutcomeOf(err) {
	case edis.OutcomeDone:
		mark(batch, done, nil)
	case edis.OutcomeUnchanged:
		mark(batch, StateRefused, err)
	case edis.OutcomeNotSent: // the changes stay planned, and are skipped
	case edis.OutcomeUnknown:
		return p.readBack(ctx, s, batch, done, err)
	}
	return err
}

func mark(batch []*change, state State, err error) {
	for _, c := range batch {
		c.State, c.Err = state, err
	}
}

// readBack reads the records of a batch until they are as desired, for a few seconds,
// after a write that failed and may have changed them.
func (p *Plan) readBack(ctx context.Context, s *server, batch []*change, done State, failed error) error {
	ctx, cancel := context.WithTimeout(ctx, readBackLimit)
	defer cancel()
	differing, err := p.client.ConfirmPTR(ctx, s.source, namesOf(batch))
	mark(batch, done, nil)
	if err == nil {
		return nil
	}
	mark(only(batch, func(c *change) bool {
		_, differs := differing[c.Addr]
		return differs || differing == nil // nothing was read
	}), StateUnknown, failed)
	return failed
}

// wasSent reports whether a call for a change that was not made reached the service.
func (c *change) wasSent() bool {
	if c.State != StateSkipped {
		return true
	}
	call := new(edis.CallError) // if there is none, the context ended before the call
	return errors.As(c.Err, &call) && call.Outcome != edis.OutcomeNotSent
}

// failure returns the error of the changes that failed, or nil.
func (p *Plan) failure(ctx context.Context, op string) error {
	all := p.all()
	made, failed := 0, failures{changes: len(all), servers: make(map[string][]string)}
	outcome := edis.OutcomeNotSent
	for _, c := range all {
		switch c.State {
		case StateSet, StateDeleted:
			made++
		case StateUnknown:
			outcome = edis.OutcomeUnknown
			failed.add(c)
		case StateRefused, StateChanged, StateSkipped:
			if outcome == edis.OutcomeNotSent && c.wasSent() {
				outcome = edis.OutcomeUnchanged
			}
			failed.add(c)
		case StateKept, StateAbsent, StateDefault, StatePlanned, stateUndecided:
		}
	}
	if failed.count == 0 {
		return nil
	}
	if made > 0 {
		outcome = edis.OutcomeUnknown
	}
	return failed.callError(op, outcome, ctx.Err())
}
