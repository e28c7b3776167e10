package recordfile

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"github.com/edisptr/edis-go/pkg/internal/canonical"
)

const (
	reverseIPv4 = "in-addr.arpa."
	reverseIPv6 = "ip6.arpa."
)

// isReverse reports whether a name is below in-addr.arpa or ip6.arpa.
func isReverse(name string) bool {
	return strings.HasSuffix(name, "."+reverseIPv4) || strings.HasSuffix(name, "."+reverseIPv6)
}

// addressOf returns the address of a reverse name (RFC 1035, section 3.5; RFC 3596, section
// 2.5). The name is in lower case, with its trailing dot.
func addressOf(name string) (address netip.Addr, ok bool) {
	if labels, ok := strings.CutSuffix(name, "."+reverseIPv4); ok {
		octets := strings.Split(labels, ".")
		if len(octets) != 4 {
			return address, false
		}
		address, _ = netip.ParseAddr(octets[3] + "." + octets[2] + "." + octets[1] + "." + octets[0])
	} else if labels, ok := strings.CutSuffix(name, "."+reverseIPv6); ok && len(labels) == 63 {
		var text strings.Builder
		for i := 62; i >= 0; i -= 2 {
			text.WriteByte(labels[i])
			if i%8 == 0 && i > 0 {
				text.WriteByte(':')
			}
		}
		address, _ = netip.ParseAddr(text.String())
	}
	return address, address.IsValid() && canonical.ReverseName(address)+"." == name
}

// A child is a zone for a part of a /24 (RFC 2317), such as 0/26.2.0.192.in-addr.arpa.
type child struct {
	parent    string // the reverse zone of the /24
	low, high int    // last octets
}

// parseChild parses the name of a child zone: START/LENGTH as in RFC 2317, or START-LENGTH
// or START-END as others write it.
func parseChild(zone string) (c child, ok bool) {
	label, parent, _ := strings.Cut(zone, ".")
	separator := strings.IndexAny(label, "/-")
	if separator < 0 || !isZoneOf24(parent) {
		return c, false
	}
	start, err1 := strconv.ParseUint(label[:separator], 10, 8)
	second, err2 := strconv.ParseUint(label[separator+1:], 10, 8)
	low, high := int(start), int(second)
	count := high - low + 1
	switch {
	case err1 != nil || err2 != nil:
		return c, false
	case label[separator] == '-' && count > 0 && count&(count-1) == 0 && low%count == 0: // 0-31
		return child{parent, low, high}, true
	case high > 24 && high <= 32 && low%(1<<(32-high)) == 0: // 0/26
		return child{parent, low, low + 1<<(32-high) - 1}, true
	default: // 10-50, but not 1/26, which could be either
		return child{parent, low, high}, count > 0 && (label[separator] == '-' || high > 32)
	}
}

// isZoneOf24 reports whether a name is the reverse zone of a /24.
func isZoneOf24(name string) bool {
	_, ok := addressOf("0." + name)
	return ok && strings.HasSuffix(name, reverseIPv4)
}

// childAddress returns the address of a name in a child zone whose first label is the last
// octet.
func childAddress(name string) (address netip.Addr, ok bool) {
	label, zone, _ := strings.Cut(name, ".")
	c, ok := parseChild(zone)
	octet, err := strconv.ParseUint(label, 10, 8)
	if !ok || err != nil || int(octet) < c.low || int(octet) > c.high {
		return address, false
	}
	return addressOf(label + "." + c.parent)
}

// isChildName reports whether a name looks like that of an address in a child zone: an
// octet below labels that are not all octets.
func isChildName(name string) bool {
	labels := strings.Split(strings.TrimSuffix(name, "."+reverseIPv4), ".")
	if !strings.HasSuffix(name, reverseIPv4) || len(labels) < 3 || !isOctet(labels[0]) {
		return false
	}
	for _, label := range labels[1:] {
		if !isOctet(label) {
			return true
		}
	}
	return false
}

func isOctet(label string) bool {
	_, err := strconv.ParseUint(label, 10, 8)
	return err == nil
}

// normalName returns an absolute name in lower case, with each character escaped only if it
// must be.
func normalName(name string) (string, bool) {
	if strings.Contains(name, `\`) {
		wire := make([]byte, 256)
		if _, err := dns.PackDomainName(name, wire, 0, nil, false); err != nil {
			return "", false
		}
		var err error
		if name, _, err = dns.UnpackDomainName(wire, 0); err != nil {
			return "", false
		}
	}
	return strings.ToLower(name), true
}

// coverage knows the reverse zones that files cover.
type coverage struct {
	zones, cuts map[string]bool // names of zones, and of what is delegated or aliased
	children    []child
}

// contains reports whether a covered zone has the reverse name of an address.
func (c coverage) contains(address netip.Addr) bool {
	reverse := canonical.ReverseName(address.Unmap().WithZone("")) + "."
	if c.containsName(reverse) {
		return true
	}
	label, parent, _ := strings.Cut(reverse, ".")
	octet, err := strconv.Atoi(label)
	return slices.ContainsFunc(c.children, func(z child) bool {
		return err == nil && parent == z.parent && octet >= z.low && octet <= z.high
	})
}

// containsName reports whether a covered zone has a name: none between the name and the
// zone is delegated.
func (c coverage) containsName(name string) bool {
	for ; name != ""; _, name, _ = strings.Cut(name, ".") {
		if c.zones[name] {
			return true
		}
		if c.cuts[name] {
			return false
		}
	}
	return false
}
