package reconcile

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
)

// place finds the servers of changes for which none is named. It returns an error for each
// that no server can have.
func (p *Plan) place(ctx context.Context, unplaced []*change) (bad problems) {
	if len(p.servers) == 1 {
		p.servers[0].add(unplaced...)
		return nil
	}
	missing := placeBy(p.owners(), unplaced, &bad)
	if len(missing) == 0 {
		return bad
	}
	p.listUntilFound(ctx, missing)
	owners := p.owners()
	missing = placeBy(owners, missing, &bad)
	missing = placeBy(networkOwners(owners, missing), missing, &bad)
	p.leaveUnplaced(missing, &bad)
	return bad
}

// leaveUnplaced is for changes whose server was not found. That is an error of the input,
// unless the server may be one that could not be listed, or there is nothing to delete, as
// in the round after the deletion.
func (p *Plan) leaveUnplaced(changes []*change, bad *problems) {
	unlisted, notListed := p.unlisted(), p.isNotListed()
	for _, c := range changes {
		switch {
		case notListed:
			bad.add("address", c.Addr.String(), "cannot be assigned to a server, as the service does not list records; give the KVM ID of its server")
			continue
		case unlisted != nil:
			c.State = StateSkipped
			c.Err = fmt.Errorf("its server was not found, as %s could not be listed: %w", unlisted.kvmID, withoutOutcome{unlisted.listErr})
		case c.To == "":
			c.State = StateAbsent
		default:
			bad.add("address", c.Addr.String(), "belongs to no known server; give the KVM ID of its server")
			continue
		}
		p.unplaced = append(p.unplaced, c)
	}
}

// add adds changes to a server.
func (s *server) add(changes ...*change) {
	for _, c := range changes {
		c.KVMID = s.kvmID
	}
	s.changes = append(s.changes, changes...)
}

// networkOwners returns the servers that have an address in the /64 of the IPv6 address of
// each change. A server has a /64 for itself.
func networkOwners(owners map[netip.Addr][]*server, changes []*change) map[netip.Addr][]*server {
	inNetwork := make(map[netip.Prefix][]*server)
	for addr, servers := range owners {
		if addr.Is6() {
			network := networkOf(addr)
			inNetwork[network] = append(inNetwork[network], servers...)
		}
	}
	for network, servers := range inNetwork {
		slices.SortFunc(servers, byKVMID)
		inNetwork[network] = slices.Compact(servers)
	}
	of := make(map[netip.Addr][]*server)
	for _, c := range changes {
		if c.Addr.Is6() {
			of[c.Addr] = inNetwork[networkOf(c.Addr)]
		}
	}
	return of
}

func networkOf(addr netip.Addr) netip.Prefix { return netip.PrefixFrom(addr, 64).Masked() }

// placeBy places the changes whose address has an owner. It returns those that are left.
func placeBy(owners map[netip.Addr][]*server, changes []*change, bad *problems) (left []*change) {
	for _, c := range changes {
		switch found := owners[c.Addr]; len(found) {
		case 0:
			left = append(left, c)
		case 1:
			found[0].add(c)
		default:
			bad.add("address", c.Addr.String(), fmt.Sprintf("belongs to %s and to %s; give the KVM ID of its server", found[0].kvmID, found[1].kvmID))
		}
	}
	return left
}

// fewServers is how many servers must be refused to conclude that the service refuses to
// list the records of any.
const fewServers = 8

// listUntilFound lists the records of one server after the other, of some at once, until
// every address is found. If the service refuses to list those of the first servers, it
// does not try the others.
func (p *Plan) listUntilFound(ctx context.Context, missing []*change) {
	var mutex sync.Mutex
	wanted := make(map[netip.Addr]bool, len(missing))
	for _, c := range missing {
		wanted[c.Addr] = true
	}
	listUnlessFound := func(ctx context.Context, s *server) error {
		mutex.Lock()
		found := len(wanted) == 0
		mutex.Unlock()
		if found {
			return nil
		}
		err := p.list(ctx, s)
		mutex.Lock()
		defer mutex.Unlock()
		for addr := range s.list {
			delete(wanted, addr)
		}
		return err
	}
	first := min(fewServers, len(p.servers))
	p.forEach(ctx, p.servers[:first], listUnlessFound)
	if !p.isNotListed() {
		p.forEach(ctx, p.servers[first:], listUnlessFound)
	}
}

// list lists the records of a server, unless that was done before. A failure is kept in
// listErr, as it does not give the server up, unless the service refuses a login.
func (p *Plan) list(ctx context.Context, s *server) error {
	if s.list == nil && s.listErr == nil {
		s.listed = time.Now()
		s.list, s.listErr = p.client.ListPTR(ctx, s.source)
	}
	if errors.Is(s.listErr, edis.ErrLoginRefused) {
		return s.listErr
	}
	return nil
}

// unlisted returns a server that could not be listed, or nil.
func (p *Plan) unlisted() *server {
	i := slices.IndexFunc(p.servers, func(s *server) bool { return s.listErr != nil })
	if i < 0 {
		return nil
	}
	return p.servers[i]
}

// isNotListed reports whether the service does not list records: it refused to list those
// of every server that it was asked about.
func (p *Plan) isNotListed() bool {
	return p.unlisted() != nil && !slices.ContainsFunc(p.servers, func(s *server) bool {
		return s.list != nil || s.listErr != nil && !isNoListing(s.listErr)
	})
}

// isNoListing reports whether the service refused to list with the status of an invalid
// request, as a service would that cannot list.
func isNoListing(err error) bool {
	refused := new(edis.APIError)
	return errors.As(err, &refused) && refused.Status == http.StatusBadRequest && !errors.Is(err, edis.ErrLoginRefused)
}
