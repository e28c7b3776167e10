package edis

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/edisptr/edis-go/pkg/internal/canonical"
)

// inputErrors collects everything that is wrong with the input of a call, so that
// one error can name it all.
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
	return fmt.Errorf("edis: invalid input, nothing sent:\n%w", errors.Join(e...))
}

var (
	errNoAddress        = errors.New("none given")
	errDuplicateAddress = errors.New("duplicate address")
)

// canonicalPTRs returns the records of a call as they are sent.
func canonicalPTRs(ptrs map[netip.Addr]string, allowUnderscore bool) (sent map[string]string, bad inputErrors) {
	if len(ptrs) == 0 {
		bad.add("address", "", errNoAddress)
	}
	sent = make(map[string]string, len(ptrs))
	for address, name := range ptrs {
		canonicalName, err := canonical.Name(name, allowUnderscore)
		if err != nil {
			bad.add(address.WithZone("").String(), name, err) // a zone can hold anything
		}
		text, before := bad.address(address), len(sent)
		sent[text] = canonicalName
		if len(sent) == before && text != "" {
			bad.add("address", text, errDuplicateAddress)
		}
	}
	return sent, bad
}

// canonicalAddresses returns the addresses of a call as they are sent, sorted.
func canonicalAddresses(addresses []netip.Addr) (sent []string, bad inputErrors) {
	if len(addresses) == 0 {
		bad.add("address", "", errNoAddress)
	}
	for _, address := range addresses {
		sent = append(sent, bad.address(address))
	}
	slices.Sort(sent)
	for i := 1; i < len(sent); i++ {
		if sent[i] == sent[i-1] && sent[i] != "" {
			bad.add("address", sent[i], errDuplicateAddress)
		}
	}
	return sent, bad
}

// address returns the text of an address, or adds an error and returns an empty one.
func (e *inputErrors) address(address netip.Addr) string {
	valid, err := canonical.Address(address)
	if err != nil {
		e.add("address", address.String(), err)
		return ""
	}
	return valid.String()
}
