package edistest

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/miekg/dns"
)

// records are the PTR records of the service, and when they become visible.
type records struct {
	lag     time.Duration
	entries map[netip.Addr]entry
	reverse map[string]netip.Addr // by owner name below in-addr.arpa. or ip6.arpa.
}

// An entry is the record of one address. An empty name means no record.
type entry struct {
	name   string
	since  time.Time // when name becomes visible
	before string    // what is visible until then
}

func newRecords() records {
	return records{entries: make(map[netip.Addr]entry), reverse: make(map[string]netip.Addr)}
}

// set writes a record; an empty name removes it.
func (r *records) set(address netip.Addr, name string, now time.Time) {
	r.put(address, entry{name: name, since: now.Add(r.lag), before: r.shown(address, now)})
}

func (r *records) put(address netip.Addr, e entry) {
	r.entries[address] = e
	r.reverse[reverseName(address)] = address
}

// shown returns the name that is visible now.
func (r *records) shown(address netip.Addr, now time.Time) string {
	e := r.entries[address]
	if now.Before(e.since) {
		return e.before
	}
	return e.name
}

// all returns the records that are set, visible or not.
func (r *records) all() map[netip.Addr]string {
	ptrs := make(map[netip.Addr]string)
	for address, e := range r.entries {
		if e.name != "" {
			ptrs[address] = e.name
		}
	}
	return ptrs
}

// reverseName returns the name of the PTR record of an address (RFC 1035, section
// 3.5; RFC 3596, section 2.5).
func reverseName(address netip.Addr) string {
	name, err := dns.ReverseAddr(address.String())
	if err != nil {
		panic(fmt.Sprintf("edistest: %v has no reverse name: %v", address, err)) // every valid address has one
	}
	return name
}
