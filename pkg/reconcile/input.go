package reconcile

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/edisptr/edis-go/pkg/edis"
)

// problems collects everything that is wrong with the input, so that one error names all.
type problems []error

func (b problems) Error() string {
	texts := make([]string, len(b))
	for i, err := range b {
		texts[i] = err.Error()
	}
	return strings.Join(texts, "; ")
}

func (b problems) Unwrap() []error { return b }

func (b *problems) add(field, value, reason string) {
	*b = append(*b, &edis.InputError{Field: field, Value: value, Reason: reason})
}

// read makes changes of the records. It returns those whose server is not named, and all
// that is known to be wrong without a request.
func (p *Plan) read(records Records) (unplaced []*change, bad problems) {
	p.checkServers(&bad)
	for _, kvmID := range slices.Sorted(maps.Keys(records)) {
		changes := p.readRecords(kvmID, records[kvmID], &bad)
		switch s := p.find(kvmID); {
		case kvmID == "":
			unplaced = changes
		case s == nil:
			bad.add("KVM ID", kvmID, "is not among the servers; they are "+p.serverList())
		default:
			s.changes = changes
		}
	}
	if len(p.named) == 0 && len(bad) == 0 && (p.options.Prune == nil || len(records) == 0) {
		bad.add("records", "", "are empty; give at least one address")
	}
	return unplaced, append(bad, p.misplaced()...)
}

// checkServers sorts the servers and checks their IDs.
func (p *Plan) checkServers(bad *problems) {
	slices.SortFunc(p.servers, byKVMID)
	for i, s := range p.servers {
		switch {
		case s.kvmID == "":
			bad.add("Session.KVMID", "", "of a server is empty; it identifies the server, also if that has a Source")
		case i > 0 && s.kvmID == p.servers[i-1].kvmID:
			bad.add("KVM ID", s.kvmID, "is the ID of two servers")
		}
	}
}

func byKVMID(a, b *server) int { return strings.Compare(a.kvmID, b.kvmID) }

// readRecords makes the changes of one server.
func (p *Plan) readRecords(kvmID string, records map[netip.Addr]string, bad *problems) (changes []*change) {
	for _, addr := range slices.SortedFunc(maps.Keys(records), netip.Addr.Compare) {
		one, err := p.client.CanonicalPTRs(map[netip.Addr]string{addr: records[addr]})
		if err != nil {
			*bad = append(*bad, err)
		}
		for addr, name := range one {
			if twin := p.named[addr]; twin != nil {
				bad.add("address", addr.String(), fmt.Sprintf("is named twice, for %s and for %s; keep one", serverName(twin.KVMID), serverName(kvmID)))
				continue
			}
			c := &change{Change: Change{KVMID: kvmID, Addr: addr, To: name}}
			p.named[addr] = c
			changes = append(changes, c)
		}
	}
	return changes
}

func serverName(kvmID string) string { return cmp.Or(kvmID, "a server to be found") }

// serverList names some of the servers.
func (p *Plan) serverList() string {
	var ids []string
	for _, s := range p.servers {
		ids = append(ids, s.kvmID)
	}
	return cmp.Or(firstOf(ids, 10), "(none)")
}

// misplaced returns an error for each address that is named for one server and belongs to
// another one.
func (p *Plan) misplaced() (bad problems) {
	owners := p.owners()
	for _, s := range p.servers {
		for _, c := range s.changes {
			if others := owners[c.Addr]; len(others) > 0 && !slices.Contains(others, s) {
				bad.add("address", c.Addr.String(), fmt.Sprintf("belongs to %s, not to %s", others[0].kvmID, s.kvmID))
			}
		}
	}
	return bad
}

// owners returns the servers of each address that is known to be theirs: it is their
// primary address, or they list it.
func (p *Plan) owners() map[netip.Addr][]*server {
	owners := make(map[netip.Addr][]*server)
	for _, s := range p.servers {
		if s.primary.IsValid() {
			owners[s.primary] = append(owners[s.primary], s)
		}
		for addr := range s.list {
			if addr != s.primary {
				owners[addr] = append(owners[addr], s)
			}
		}
	}
	return owners
}
