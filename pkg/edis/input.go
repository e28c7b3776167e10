package edis

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"

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
	address netip.Addr
	name    string // lower-case A-labels, without a trailing dot; empty in a list of addresses
}

// records are those of a call, in the order of their addresses as texts, which
// is that of encoding/json.
type records struct {
	list []record
	// order has a number for each record, with its index in list in the low half.
	// Numbers are sorted in place of records: 65,536 in a third of the time.
	order []uint64
}

// canonicalPTRs checks and sorts the records of a call.
func canonicalPTRs(ptrs map[netip.Addr]string, allowUnderscore bool) (sorted records, bad refusals) {
	list := make([]record, 0, len(ptrs))
	for address, name := range ptrs {
		list = append(list, record{address, name})
	}
	// Not in the same loop: the names of a large map are all over the memory, and
	// the processor waits for several at once when nothing comes between them.
	for i, given := range list {
		name, reason := canonical.Name(given.name, allowUnderscore)
		if reason != "" {
			bad.add(given.address.WithZone("").String(), given.name, reason) // a zone can hold anything
		}
		list[i] = record{canonicalAddress(given.address, &bad), name}
	}
	return sortedRecords(list, bad)
}

// canonicalAddresses does the same for a call that takes addresses only.
func canonicalAddresses(addresses []netip.Addr) (sorted records, bad refusals) {
	list := make([]record, 0, len(addresses))
	for _, given := range addresses {
		list = append(list, record{address: canonicalAddress(given, &bad)})
	}
	return sortedRecords(list, bad)
}

func canonicalAddress(given netip.Addr, bad *refusals) netip.Addr {
	address, reason := canonical.Address(given)
	if reason != "" {
		bad.add("address", given.String(), reason)
	}
	return address
}

func sortedRecords(list []record, bad refusals) (records, refusals) {
	if len(list) == 0 {
		bad.add("address", "", "none is given")
	}
	sortByAddress := sortByText
	if !slices.ContainsFunc(list, func(r record) bool { return !r.address.Is4() }) {
		sortByAddress = sortIPv4
	}
	order, equal := sortByAddress(list)
	r := records{list, order}
	for i := 1; i < len(order); i++ {
		if equal(order[i-1], order[i]) && r.at(i).address.IsValid() {
			bad.add("address", r.at(i).address.String(), "given more than once, be it in different forms")
		}
	}
	return r, bad
}

func (r records) len() int { return len(r.list) }

func (r records) at(i int) record { return r.numbered(r.order[i]) }

func (r records) numbered(number uint64) record { return r.list[number&math.MaxUint32] }

// sortIPv4 puts the address into the high half of each number: the texts of two
// IPv4 addresses compare as those of the first octet that differs.
func sortIPv4(list []record) (order []uint64, equal func(a, b uint64) bool) {
	order = make([]uint64, len(list))
	ranks := octetRanks()
	for i := range list {
		var rank uint64
		for _, octet := range list[i].address.As4() {
			rank = rank<<8 | ranks[octet]
		}
		order[i] = rank<<32 | uint64(i)
	}
	slices.Sort(order)
	return order, func(a, b uint64) bool { return a>>32 == b>>32 }
}

// octetRanks number the octets in the order of their texts: 0, 1, 10, 100, 101
// and so on.
var octetRanks = sync.OnceValue(func() *[256]uint64 {
	octets := make([]int, 256)
	for i := range octets {
		octets[i] = i
	}
	slices.SortFunc(octets, func(a, b int) int { return strings.Compare(strconv.Itoa(a), strconv.Itoa(b)) })
	var ranks [256]uint64
	for rank, octet := range octets {
		ranks[octet] = uint64(rank)
	}
	return &ranks
})

// sortByText sorts addresses of both families.
func sortByText(list []record) (order []uint64, equal func(a, b uint64) bool) {
	order = make([]uint64, len(list))
	texts := make([]string, len(list))
	const longest = len("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")
	var block strings.Builder // of all texts: one allocation in place of 65,536
	block.Grow(longest * len(list))
	for i := range list {
		order[i] = uint64(i)
		var text [longest]byte
		start := block.Len()
		block.Write(list[i].address.AppendTo(text[:0]))
		texts[i] = block.String()[start:]
	}
	slices.SortFunc(order, func(a, b uint64) int { return strings.Compare(texts[a], texts[b]) })
	return order, func(a, b uint64) bool { return texts[a] == texts[b] }
}
