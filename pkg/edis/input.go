package edis

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/edisptr/edis-go/pkg/internal/canonical"
)

// inputErrors collects everything that is wrong with the input of a call, so that one
// error can report all of it.
type inputErrors []error

// add adds an error about a value, if there is one.
func (e *inputErrors) add(field, value string, err error) {
	if err != nil {
		*e = append(*e, &InputError{field, value, err.Error()})
	}
}

func (e inputErrors) err() error {
	if len(e) == 0 {
		return nil
	}
	slices.SortFunc(e, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return e
}

func (e inputErrors) Error() string {
	return fmt.Sprintf("edis: invalid input, nothing sent:\n%v", errors.Join(e...))
}

// Unwrap returns the items.
func (e inputErrors) Unwrap() []error { return e }

// canonicalPTRs returns the records of a call as they are sent.
func canonicalPTRs(ptrs map[netip.Addr]string, allowUnderscore bool) (map[string]string, inputErrors) {
	bad, sent := noneGiven(len(ptrs)), make(map[string]string, len(ptrs))
	for address, name := range ptrs {
		canonicalName, err := canonical.Name(name, allowUnderscore)
		if err != nil {
			bad.add(address.WithZone("").String(), name, err) // without the zone, which is not quoted
		}
		bad.put(sent, address, canonicalName)
	}
	return sent, bad
}

// canonicalAddresses returns the addresses of a call as they are sent, sorted.
func canonicalAddresses(addresses []netip.Addr) ([]string, inputErrors) {
	bad, sent := noneGiven(len(addresses)), make(map[string]string, len(addresses))
	for _, address := range addresses {
		bad.put(sent, address, "")
	}
	return slices.Sorted(maps.Keys(sent)), bad
}

func noneGiven(addresses int) (bad inputErrors) {
	if addresses == 0 {
		bad.add("address", "", errors.New("none given"))
	}
	return bad
}

// put adds the record of an address, or an error.
func (e *inputErrors) put(sent map[string]string, address netip.Addr, name string) {
	valid, err := canonical.Address(address)
	if err != nil {
		e.add("address", address.String(), err)
		return
	}
	text, before := valid.String(), len(sent)
	if sent[text] = name; len(sent) == before {
		e.add("address", text, errors.New("duplicate address"))
	}
}
