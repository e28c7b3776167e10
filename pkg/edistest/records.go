package edistest

import (
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"

	"github.com/edisptr/edis-go/pkg/internal/canonical"
)

// records are the PTR records of the service, and when they become visible.
type records struct {
	lag     time.Duration
	entries map[netip.Addr][]entry // the newest is the last
	reverse map[string]netip.Addr  // by owner name below in-addr.arpa. or ip6.arpa.

	forward bool                    // whether the names have address records
	named   map[string][]netip.Addr // the addresses that have or had a name, by name with a final dot
}

// An entry is the name of a record since a time. An empty name means no record.
type entry struct {
	name  string
	since time.Time // when name becomes visible
}

func newRecords() records {
	return records{
		entries: make(map[netip.Addr][]entry),
		reverse: make(map[string]netip.Addr),
		named:   make(map[string][]netip.Addr),
	}
}

// set writes a record; an empty name removes it.
func (r *records) set(address netip.Addr, name string, now time.Time) {
	history := r.entries[address]
	for len(history) > 1 && !now.Before(history[1].since) {
		history = history[1:] // the second is visible, so the first never will be again
	}
	r.put(address, append(history, entry{name, now.Add(r.lag)}))
}

// put replaces all that is known of a record.
func (r *records) put(address netip.Addr, history []entry) {
	r.entries[address] = history
	r.reverse[dns.Fqdn(canonical.ReverseName(address))] = address
	if name := history[len(history)-1].name; name != "" {
		host := dns.Fqdn(name)
		if !slices.Contains(r.named[host], address) {
			r.named[host] = append(r.named[host], address)
		}
	}
}

// shown returns the name that is visible now.
func (r *records) shown(address netip.Addr, now time.Time) (name string) {
	for _, e := range r.entries[address] {
		if !now.Before(e.since) {
			name = e.name
		}
	}
	return name
}

// all returns the records that are set, visible or not.
func (r *records) all() map[netip.Addr]string {
	ptrs := make(map[netip.Addr]string)
	for address, history := range r.entries {
		if name := history[len(history)-1].name; name != "" {
			ptrs[address] = name
		}
	}
	return ptrs
}
