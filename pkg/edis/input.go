package edis

import (
	"errors"
	"fmt"
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

// canonicalPTRs checks and sorts the records of a call.
func canonicalPTRs(ptrs map[netip.Addr]string, allowUnderscore bool) (canonical.Records, refusals) {
	list := make([]canonical.Record, 0, len(ptrs))
	for address, name := range ptrs {
		list = append(list, canonical.Record{Address: address, Name: name})
	}
	// Not in the same loop, for the reason that Records.All gives.
	var bad refusals
	for i, given := range list {
		name, reason := canonical.Name(given.Name, allowUnderscore)
		if reason != "" {
			bad.add(given.Address.WithZone("").String(), given.Name, reason) // a zone can hold anything
		}
		list[i].Name = name
	}
	return canonicalRecords(list, bad)
}

// canonicalAddresses does the same for a call that takes addresses only.
func canonicalAddresses(addresses []netip.Addr) (canonical.Records, refusals) {
	list := make([]canonical.Record, len(addresses))
	for i, address := range addresses {
		list[i].Address = address
	}
	return canonicalRecords(list, nil)
}

// canonicalRecords checks the addresses, which take the places of those given.
func canonicalRecords(list []canonical.Record, bad refusals) (canonical.Records, refusals) {
	if len(list) == 0 {
		bad.add("address", "", "none is given")
	}
	for i, given := range list {
		address, reason := canonical.Address(given.Address)
		if reason != "" {
			bad.add("address", given.Address.String(), reason)
		}
		list[i].Address = address
	}
	sorted, repeated := canonical.Sort(list)
	for _, address := range repeated {
		bad.add("address", address.String(), "given more than once, be it in different forms")
	}
	return sorted, bad
}
