package canonical

import (
	"net/netip"
	"slices"
	"strings"
)

// defaultZones are where the provider's default PTR names are.
var defaultZones = []string{".static.edis.at", ".static.edisglobal.com"}

// IsDefaultName reports whether a canonical name is one that the provider gives to the
// address by itself: the address in either order, with dots or hyphens, in one of its own
// zones.
func IsDefaultName(address netip.Addr, name string) bool {
	for _, zone := range defaultZones {
		if host, found := strings.CutSuffix(name, zone); found {
			return slices.Contains(addressForms(address), strings.ReplaceAll(host, ".", "-"))
		}
	}
	return false
}

// addressForms returns the octets of an IPv4 address, or the groups of an IPv6 address as
// it is written short and in full, in both orders, joined by hyphens.
func addressForms(address netip.Addr) (forms []string) {
	for _, text := range []string{address.String(), address.StringExpanded()} {
		parts := strings.Split(strings.ReplaceAll(text, ".", ":"), ":")
		forms = append(forms, strings.Join(parts, "-"))
		slices.Reverse(parts)
		forms = append(forms, strings.Join(parts, "-"))
	}
	return forms
}
