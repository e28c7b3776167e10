package edistest

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/miekg/dns"
)

// records are the PTR records of the service, and what it shows of them.
type records struct {
	lag     time.Duration
	entries map[netip.Addr]entry
	reverse map[string]netip.Addr // by owner name below in-addr.arpa. or ip6.arpa.
}

// entry is the record of one address; an empty name is none.
type entry struct {
	name   string
	since  time.Time // when name begins to show
	before string    // what shows until then
}

func newRecords() records {
	return records{entries: make(map[netip.Addr]entry), reverse: make(map[string]netip.Addr)}
}

// set writes a record; an empty name removes it.
func (r *records) set(address netip.Addr, name string, now time.Time) {
	r.entries[address] = entry{name: name, since: now.Add(r.lag), before: r.shown(address, now)}
	r.reverse[reverseName(address)] = address
}

// shown returns the name that shows now.
func (r *records) shown(address netip.Addr, now time.Time) string {
	e := r.entries[address]
	if now.Before(e.since) {
		return e.before
	}
	return e.name
}

// all returns what is written.
func (r *records) all() map[netip.Addr]string {
	ptrs := make(map[netip.Addr]string)
	for address, e := range r.entries {
		if e.name != "" {
			ptrs[address] = e.name
		}
	}
	return ptrs
}

// reverseName returns the name that holds the PTR record of an address (RFC
// 1035, section 3.5; RFC 3596, section 2.5).
func reverseName(address netip.Addr) string {
	name, err := dns.ReverseAddr(address.String())
	if err != nil {
		panic(fmt.Sprintf("edistest: %v has no reverse name: %v", address, err)) // parseAddress made it
	}
	return name
}
