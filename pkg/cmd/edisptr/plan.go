package main

import (
	"context"
	"errors"
	"maps"
	"net/netip"
	"slices"
)

// action is what a step of a plan does.
type action string

const (
	actionSet    action = "set"
	actionDelete action = "delete"
	actionKeep   action = "keep"
)

// step is one address of a plan.
type step struct {
	IP     netip.Addr `json:"ip"`
	From   string     `json:"from"` // what is there
	To     string     `json:"to"`   // what is wanted
	Action action     `json:"action"`
	State  state      `json:"state"` // what is known of it in the end
}

// plan is what makes the records of one KVM server as wanted.
type plan struct {
	target
	steps []*step // sorted by address
}

// plans says what is wanted of each KVM server. It refuses a target before
// anything is sent to another.
func (a *app) plans(records wanted) (plans []*plan, err error) {
	for _, kvmID := range slices.Sorted(maps.Keys(records)) {
		t, bad := a.targetFor(kvmID)
		p := &plan{target: t}
		for address, name := range records[kvmID] {
			p.steps = append(p.steps, &step{IP: address, To: name, State: stateUnchanged})
		}
		slices.SortFunc(p.steps, func(a, b *step) int { return a.IP.Compare(b.IP) })
		plans, err = append(plans, p), errors.Join(err, bad)
	}
	return plans, err
}

// read reads what is there, in batches, and compares.
func (a *app) read(ctx context.Context, p *plan, batch int) error {
	progress := a.progress("reading", len(p.steps))
	defer progress.end()
	for steps := range slices.Chunk(p.steps, batch) {
		there, err := p.client.GetPTR(ctx, p.source, addressesOf(steps)...)
		if err != nil {
			return err
		}
		for _, s := range steps {
			s.From = there[s.IP]
			s.Action = actionFor(s.From, s.To)
		}
		progress.add(len(steps))
	}
	p.kvmID = p.kvm(ctx)
	return nil
}

// targetFor is the target for a KVM id that a file names, or else for that of
// the environment. A ready session is for one KVM server only.
func (a *app) targetFor(kvmID string) (target, error) {
	of := *a
	if kvmID != "" {
		of.env = func(name string) string {
			if name == "EDIS_KVM_ID" {
				return kvmID
			}
			return a.env(name)
		}
	}
	t, bad := of.target()
	if ready := a.env("EDIS_KVM_ID"); kvmID != "" && a.env("EDIS_SIGNATURE") != "" && ready != kvmID {
		bad.add("file", kvmID, "the session in EDIS_SIGNATURE is for "+ready+"; unset EDIS_SIGNATURE to log in with EDIS_EMAIL")
	}
	return t, errors.Join(bad...)
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

// send makes one call for some steps with the same action.
func (p *plan) send(ctx context.Context, what action, steps []*step) error {
	if what == actionDelete {
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

func (p *plan) withAction(what action) []*step {
	return p.filter(func(s *step) bool { return s.Action == what })
}

func (p *plan) changes() []*step {
	return p.filter(func(s *step) bool { return s.Action != actionKeep })
}

func (p *plan) count(known state) int {
	return len(p.filter(func(s *step) bool { return s.State == known }))
}

// existing is how many of the records are there, be they as wanted or not.
func (p *plan) existing() int { return len(p.filter(func(s *step) bool { return s.From != "" })) }

// isDrastic tells whether a plan changes so much of what is there that a mistake
// is likely, such as the wrong file.
func (p *plan) isDrastic() bool {
	const fewRecords, permittedPercent = 10, 30
	lost := len(p.filter(func(s *step) bool { return s.From != "" && s.Action != actionKeep }))
	return p.existing() > fewRecords && lost*100 > permittedPercent*p.existing()
}
