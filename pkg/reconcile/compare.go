package reconcile

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
)

// compare reads the records of a server, as far as they were not listed, and decides what
// to do with each. That a record to be deleted is not in the list is no proof that there
// is none: it is not documented what the service lists. Setting one is right either way.
func (p *Plan) compare(ctx context.Context, s *server) error {
	var unread []*change
	for _, c := range s.changes {
		name, listed := s.list[c.Addr]
		switch {
		case c.To != "" && p.options.Overwrite:
		case listed, c.To != "" && s.list != nil:
			c.From, c.read = name, s.listed
		default:
			unread = append(unread, c)
		}
	}
	if err := p.readInto(ctx, s, unread); err != nil {
		return err
	}
	for _, c := range s.changes {
		c.decide()
	}
	p.reports.add(len(s.changes) - len(unread))
	return nil
}

// readInto reads the records of changes in batches.
func (p *Plan) readInto(ctx context.Context, s *server, changes []*change) error {
	for batch := range slices.Chunk(changes, p.options.Batch) {
		read := time.Now()
		current, err := p.client.GetPTR(ctx, s.source, addrsOf(batch)...)
		if err != nil {
			return err
		}
		for _, c := range batch {
			c.From, c.read = current[c.Addr], read
		}
		p.reports.add(len(batch))
	}
	return nil
}

// decide sets the state of a change whose record was read.
func (c *change) decide() {
	switch {
	case c.To != "" && c.From == c.To:
		c.State = StateKept
	case c.To != "" || c.From != "" && !edis.IsDefaultName(c.Addr, c.From):
		c.State = StatePlanned
	case c.From != "":
		c.State = StateDefault
	default:
		c.State = StateAbsent
	}
}

// prune adds a change for each listed record that is to be pruned, and one without an
// address for each server that could not be listed.
func (p *Plan) prune() {
	for _, s := range p.servers {
		switch {
		case p.options.Prune == nil || s.err != nil:
		case s.listErr != nil:
			err := fmt.Errorf("its records could not be listed, so none was pruned: %w", s.listErr)
			s.changes = append(s.changes, &change{Change: Change{KVMID: s.kvmID, Pruned: true, State: StateSkipped, Err: err}})
		default:
			p.pruneListed(s)
		}
	}
}

func (p *Plan) pruneListed(s *server) {
	for addr, name := range s.list {
		if name != "" && !edis.IsDefaultName(addr, name) && p.named[addr] == nil && p.options.Prune(s.kvmID, addr) {
			c := Change{KVMID: s.kvmID, Addr: addr, From: name, Pruned: true, State: StatePlanned}
			s.changes = append(s.changes, &change{c, s.listed})
		}
	}
}

func addrsOf(changes []*change) []netip.Addr {
	addrs := make([]netip.Addr, len(changes))
	for i, c := range changes {
		addrs[i] = c.Addr
	}
	return addrs
}
