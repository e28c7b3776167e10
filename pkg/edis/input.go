package edis

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/edisptr/edis-go/pkg/internal/canonical"
)

// refusals gathers what is wrong with the input of a call, so that one error can
// name it all.
type refusals []error

// add refuses a value, if there is a reason.
func (r *refusals) add(field, value, reason string) {
	if reason != "" {
		*r = append(*r, &InputError{field, value, reason})
	}
}

func (r refusals) err() error {
	if len(r) == 0 {
		return nil
	}
	slices.SortFunc(r, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return fmt.Errorf("edis: invalid input, nothing sent:\n%w", errors.Join(r...))
}

// record is one PTR in canonical form, ready for the wire.
type record struct {
	address string // RFC 5952 text for IPv6, dotted decimal for IPv4
	name    string // lower-case A-labels, without a trailing dot; empty in a list of addresses
}

// canonicalPTRs checks the records of a call and returns them sorted by address
// text, the order of encoding/json.
func canonicalPTRs(ptrs map[netip.Addr]string, allowUnderscore bool) ([]record, refusals) {
	return canonicalRecords(len(ptrs), maps.All(ptrs), func(name string) (string, string) {
		return canonical.Name(name, allowUnderscore)
	})
}

// canonicalAddresses does the same for a call that takes addresses only.
func canonicalAddresses(addresses []netip.Addr) ([]record, refusals) {
	nameless := func(yield func(netip.Addr, string) bool) {
		for _, address := range addresses {
			if !yield(address, "") {
				return
			}
		}
	}
	return canonicalRecords(len(addresses), nameless, func(string) (string, string) { return "", "" })
}

func canonicalRecords(count int, given iter.Seq2[netip.Addr, string], canonicalName func(string) (name, refused string)) (records []record, bad refusals) {
	if count == 0 {
		bad.add("address", "", "none is given")
	}
	records = make([]record, 0, count)
	// All address texts share few blocks: one allocation in place of 65,536.
	var texts strings.Builder
	texts.Grow(count * len("192.0.2.255"))
	buffer := make([]byte, 0, 64)
	for givenAddress, givenName := range given {
		address, reason := canonical.Address(givenAddress)
		if reason != "" {
			bad.add("address", givenAddress.String(), reason)
		}
		name, reason := canonicalName(givenName)
		if reason != "" {
			bad.add(givenAddress.WithZone("").String(), givenName, reason) // a zone can hold anything
		}
		start := texts.Len()
		texts.Write(address.AppendTo(buffer))
		records = append(records, record{texts.String()[start:], name})
	}
	slices.SortFunc(records, func(a, b record) int { return strings.Compare(a.address, b.address) })
	for i := 1; i < len(records); i++ {
		if address := records[i].address; address == records[i-1].address && address != "" {
			bad.add("address", address, "given more than once, be it in different forms")
		}
	}
	return records, bad
}
