package main

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/edisptr/edis-go/pkg/edis"
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
	From   string     `json:"from"`             // current name
	To     string     `json:"to"`               // desired name
	Action action     `json:"action,omitempty"` // none if the current name is not known
	State  state      `json:"state"`            // after the run
	prune  bool       // the file does not have the address
}

// plan lists the steps from the current to the desired records of one KVM server.
type plan struct {
	target
	steps []*step // sorted by address
	err   error   // why the server was given up
}

// newPlans returns a plan for each KVM server in records, sorted by KVM ID. With a login,
// it logs in and gives up the servers that the account does not have.
func (a *app) newPlans(ctx context.Context, records recordSet) (plans []*plan, err error) {
	service, errs := a.service(ctx)
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	for _, kvmID := range slices.Sorted(maps.Keys(records)) {
		source, err := service.source(kvmID)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		p := &plan{target: target{service.client, source, cmp.Or(kvmID, service.kvmID)}}
		for address, name := range records[kvmID] {
			p.steps = append(p.steps, &step{IP: address, To: name, State: stateSkipped})
		}
		p.sort()
		plans = append(plans, p)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	servers := make(map[string]*plan) // a file may name a server, and leave its ID out elsewhere
	for _, p := range plans {
		session, err := p.source.Session(ctx) // the first one logs in for all
		if err != nil && !errors.Is(err, edis.ErrInvalidInput) && !errors.Is(err, edis.ErrContract) {
			return nil, err
		}
		p.err, p.kvmID = err, cmp.Or(p.kvmID, session.KVMID)
		if same := servers[p.kvmID]; same != nil {
			same.steps = append(same.steps, p.steps...)
			same.sort()
			continue
		}
		servers[p.kvmID] = p
	}
	return slices.SortedFunc(maps.Values(servers), func(a, b *plan) int { return strings.Compare(a.kvmID, b.kvmID) }), nil
}

func (p *plan) sort() {
	slices.SortFunc(p.steps, func(a, b *step) int { return a.IP.Compare(b.IP) })
}

// compare reads the current records in batches and decides the action of each step.
func (p *plan) compare(ctx context.Context, batch int, progress *progress) error {
	for steps := range slices.Chunk(p.steps, batch) {
		current, err := p.client.GetPTR(ctx, p.source, addressesOf(steps)...)
		if err != nil {
			return err
		}
		for _, s := range steps {
			s.compare(current[s.IP])
		}
		progress.add(len(steps))
	}
	return nil
}

// compare decides what to do with a record.
func (s *step) compare(current string) {
	s.From, s.Action = current, actionSet
	switch s.To {
	case current:
		s.Action, s.State = actionKeep, stateKept
	case "":
		s.Action = actionDelete
	}
}

// prune adds a step to delete each record that the file does not have.
func (p *plan) prune(ctx context.Context) error {
	current, err := p.client.ListPTR(ctx, p.source)
	if err != nil {
		return err
	}
	for _, s := range p.steps {
		delete(current, s.IP)
	}
	for address, name := range current {
		p.steps = append(p.steps, &step{IP: address, From: name, Action: actionDelete, State: stateSkipped, prune: true})
	}
	p.sort()
	return nil
}

// change makes the changes of the plan in batches. It stops at the first batch that
// fails: the next run of apply compares with the records as they are then.
func (p *plan) change(ctx context.Context, a *app, batch int, progress *progress) error {
	for _, done := range []state{stateSet, stateDeleted} {
		action := map[state]action{stateSet: actionSet, stateDeleted: actionDelete}[done]
		for steps := range slices.Chunk(p.withAction(action), batch) {
			states, err := a.write(ctx, p.target, done, wantedBy(steps))
			for _, s := range steps {
				s.State = states[s.IP]
			}
			progress.add(len(steps))
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func wantedBy(steps []*step) map[netip.Addr]string {
	want := make(map[netip.Addr]string, len(steps))
	for _, s := range steps {
		want[s.IP] = s.To
	}
	return want
}

func addressesOf(steps []*step) []netip.Addr {
	addresses := make([]netip.Addr, len(steps))
	for i, s := range steps {
		addresses[i] = s.IP
	}
	return addresses
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

// changes returns the steps that change something, none for a server that was given up.
func (p *plan) changes() []*step {
	if p.err != nil {
		return nil
	}
	return p.filter(func(s *step) bool { return s.Action == actionSet || s.Action == actionDelete })
}

func (p *plan) count(states ...state) int {
	return len(p.filter(func(s *step) bool { return slices.Contains(states, s.State) }))
}

// drastic returns the number of existing records if the plans change so many of them
// that it is probably a mistake, such as the wrong file; otherwise 0.
func drastic(plans ...*plan) (existing int) {
	const fewRecords, maxPercent = 10, 30
	affected := 0
	for _, p := range plans {
		if p.err != nil {
			continue
		}
		existing += len(p.filter(func(s *step) bool { return s.From != "" }))
		affected += len(p.filter(func(s *step) bool { return s.From != "" && s.Action != actionKeep }))
	}
	if existing > fewRecords && affected*100 > maxPercent*existing {
		return existing
	}
	return 0
}
