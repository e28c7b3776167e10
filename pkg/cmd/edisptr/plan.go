package main

import (
	"context"
	"errors"
	"maps"
	"net/netip"
	"slices"
)

// action is what apply does with a record.
type action string

const (
	actionSet    action = "set"
	actionDelete action = "delete"
	actionKeep   action = "keep"
)

// step is the part of a plan for one address. An empty name means no record.
type step struct {
	IP     netip.Addr `json:"ip"`
	From   string     `json:"from"` // current name
	To     string     `json:"to"`   // desired name
	Action action     `json:"action"`
	State  state      `json:"state"` // after the run
}

// plan lists the steps from the current to the desired records of one KVM
// server.
type plan struct {
	target
	steps []*step // sorted by address
}

// newPlans returns a plan for each KVM server in records. It reports invalid
// targets before anything is sent to a valid one.
func (a *app) newPlans(records recordSet) (plans []*plan, err error) {
	for _, kvmID := range slices.Sorted(maps.Keys(records)) {
		t, targetErr := a.targetFor(kvmID)
		p := &plan{target: t}
		for address, name := range records[kvmID] {
			p.steps = append(p.steps, &step{IP: address, To: name, State: stateUnchanged})
		}
		slices.SortFunc(p.steps, func(a, b *step) int { return a.IP.Compare(b.IP) })
		plans, err = append(plans, p), errors.Join(err, targetErr)
	}
	return plans, err
}

// compare reads the current records in batches and decides the action of each
// step.
func (a *app) compare(ctx context.Context, p *plan, batch int) error {
	progress := a.progress("reading", len(p.steps))
	defer progress.end()
	for steps := range slices.Chunk(p.steps, batch) {
		current, err := p.client.GetPTR(ctx, p.source, addressesOf(steps)...)
		if err != nil {
			return err
		}
		for _, s := range steps {
			s.From = current[s.IP]
			s.Action = actionFor(s.From, s.To)
		}
		progress.add(len(steps))
	}
	p.kvmID = p.resolveKVMID(ctx)
	return nil
}

// targetFor returns the target for kvmID, or that of the environment if kvmID is
// empty. A session from the environment is valid for only one KVM server.
func (a *app) targetFor(kvmID string) (target, error) {
	scoped := *a
	scoped.env = func(name string) string {
		if name == "EDIS_KVM_ID" && kvmID != "" {
			return kvmID
		}
		return a.env(name)
	}
	t, errs := scoped.target()
	if sessionID := a.env("EDIS_KVM_ID"); kvmID != "" && a.env("EDIS_SIGNATURE") != "" && sessionID != kvmID {
		errs.add("file", kvmID, "the session in EDIS_SIGNATURE is for "+sessionID+"; unset EDIS_SIGNATURE to log in with EDIS_EMAIL")
	}
	return t, errors.Join(errs...)
}

func actionFor(from, to string) action {
	switch {
	case from == to:
		return actionKeep
	case to == "":
		return actionDelete
	}
	return actionSet
}

func addressesOf(steps []*step) []netip.Addr {
	addresses := make([]netip.Addr, len(steps))
	for i, s := range steps {
		addresses[i] = s.IP
	}
	return addresses
}

// send sends steps, which share one action, in one request.
func (p *plan) send(ctx context.Context, steps []*step) error {
	if steps[0].Action == actionDelete {
		return p.client.DeletePTR(ctx, p.source, addressesOf(steps)...)
	}
	ptrs := make(map[netip.Addr]string, len(steps))
	for _, s := range steps {
		ptrs[s.IP] = s.To
	}
	return p.client.SetPTR(ctx, p.source, ptrs)
}

func (p *plan) filter(keep func(*step) bool) []*step {
	var steps []*step
	for _, s := range p.steps {
		if keep(s) {
			steps = append(steps, s)
		}
	}
	return steps
}

func (p *plan) withAction(want action) []*step {
	return p.filter(func(s *step) bool { return s.Action == want })
}

func (p *plan) changes() []*step {
	return p.filter(func(s *step) bool { return s.Action != actionKeep })
}

func (p *plan) count(want state) int {
	return len(p.filter(func(s *step) bool { return s.State == want }))
}

// existing returns the number of addresses that have a record now.
func (p *plan) existing() int { return len(p.filter(func(s *step) bool { return s.From != "" })) }

// isDrastic reports whether the plan changes so many of the existing records
// that it is probably a mistake, such as the wrong file.
func (p *plan) isDrastic() bool {
	const fewRecords, maxPercent = 10, 30
	affected := len(p.filter(func(s *step) bool { return s.From != "" && s.Action != actionKeep }))
	return p.existing() > fewRecords && affected*100 > maxPercent*p.existing()
}
