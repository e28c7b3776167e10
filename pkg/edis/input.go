package edis

import (
	"errors"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/edisptr/edis-go/pkg/internal/canonical"
)

// CanonicalName returns a host name in the form in which [Client.SetPTR] sends it and
// [Client.GetPTR] returns it. That is lower-case A-labels without the trailing dot (RFC
// 1123, section 2.1, and RFC 5890). A name in this form does not change.
// [Options.AllowUnderscore] applies. The error is an [InputError], which names the rule.
func (c *Client) CanonicalName(name string) (string, error) {
	canonicalName, err := canonical.Name(name, c.options.AllowUnderscore)
	if err != nil {
		return "", &InputError{"host name", name, err.Error()}
	}
	return canonicalName, nil
}

// CanonicalAddr returns an address in the form in which [Client.SetPTR] sends it and
// [Client.GetPTR] returns it. An IPv4-mapped address becomes IPv4. The error is an
// [InputError] for an address that cannot have a PTR record on the Internet, such as a
// loopback address.
func CanonicalAddr(address netip.Addr) (netip.Addr, error) {
	canonicalAddress, err := canonical.Address(address)
	if err != nil {
		return netip.Addr{}, &InputError{"address", address.String(), err.Error()}
	}
	return canonicalAddress, nil
}

// CanonicalPTRs returns records in the form of [CanonicalAddr] and
// [Client.CanonicalName]. An empty name means that an address is to have no record, and
// stays empty. The error unwraps to an [InputError] for everything that SetPTR would
// refuse.
func (c *Client) CanonicalPTRs(ptrs map[netip.Addr]string) (map[netip.Addr]string, error) {
	texts, bad := c.canonicalPTRs(ptrs, true)
	if err := bad.err(); err != nil {
		return nil, err
	}
	canonicalPTRs := make(map[netip.Addr]string, len(texts))
	for text, name := range texts {
		canonicalPTRs[netip.MustParseAddr(text)] = name
	}
	return canonicalPTRs, nil
}

// IsDefaultName reports whether a host name is one that the provider itself gives to an
// address. One for 198.51.100.7, for example, is 198-51-100-7.static.edis.at. Such names
// contain the address in either order, with dots or hyphens, and are in static.edis.at or
// static.edisglobal.com. It is not documented whether [Client.GetPTR] returns such names,
// or whether they come back when a record is deleted.
func IsDefaultName(address netip.Addr, name string) bool {
	canonicalName, err := canonical.Name(name, false)
	return err == nil && canonical.IsDefaultName(address.Unmap(), canonicalName)
}

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
	return because(e...)
}

// canonicalPTRs returns the records of a call as they are sent. An empty name is invalid
// unless it may stand for no record.
func (c *Client) canonicalPTRs(ptrs map[netip.Addr]string, allowEmpty bool) (map[string]string, inputErrors) {
	bad, sent := noneGiven(len(ptrs)), make(map[string]string, len(ptrs))
	for address, name := range ptrs {
		if name != "" || !allowEmpty {
			canonicalName, err := c.recordName(address, name)
			if err != nil {
				bad.add(address.WithZone("").String(), name, err) // without the zone, which is not quoted
			}
			name = canonicalName
		}
		bad.put(sent, address, name)
	}
	return sent, bad
}

// recordName returns the name of a record as it is sent.
func (c *Client) recordName(address netip.Addr, name string) (string, error) {
	if name == "" {
		return "", errors.New("has no host name; delete the record instead")
	}
	canonicalName, err := canonical.Name(name, c.options.AllowUnderscore)
	if err == nil && canonical.IsOwnReverseName(address, canonicalName) {
		return "", errors.New("is the address's own reverse name, which stands for no record; delete the record instead")
	}
	return canonicalName, err
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
		bad.add("address", "", errors.New("is missing; give at least one"))
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
		e.add("address", text, errors.New("is given twice"))
	}
}
