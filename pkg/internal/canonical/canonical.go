// Package canonical has the one form in which an address or a host name is sent,
// compared and shown, and the rules for what is none.
package canonical

import (
	"fmt"
	"net/netip"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Address returns an address as it is sent, an IPv4-mapped one as IPv4. Or it
// returns the reason for which the address cannot have a PTR record.
func Address(given netip.Addr) (address netip.Addr, refused string) {
	address = given.Unmap()
	switch {
	case !address.IsValid():
		refused = "not an IP address"
	case given.Zone() != "":
		refused = "has a zone, which means something on one machine only"
	case address.IsUnspecified():
		refused = "unspecified address"
	case address.IsLoopback():
		refused = "loopback address"
	case address.IsMulticast():
		refused = "multicast address"
	}
	if refused != "" {
		return netip.Addr{}, refused
	}
	return address, ""
}

// toALabels applies UTS 46, not transitional, with the checks of IDNA2008 for
// hyphens, joiners and direction; some symbols pass that IDNA2008 has not. ASCII
// is left to CheckHostName, which has better reasons and knows of underscores.
var toALabels = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(false))

// Name returns a host name as it is sent: lower-case letters, digits,
// hyphens and dots (and underscores where allowed), labels of RFC 1123, section
// 2.1, internationalised labels as A-labels (RFC 5890), one trailing dot
// removed. Or it returns the reason for which the name is refused.
func Name(given string, allowUnderscore bool) (name, refused string) {
	name = given
	if !isLowerLDH(given) { // of nearly every name the mapping would change nothing
		switch { // it takes time in proportion, and repairs UTF-8
		case len(given) > (maxNameLength+1)*utf8.UTFMax:
			return "", tooLong(given)
		case !utf8.ValidString(given):
			return "", "not valid UTF-8"
		}
		mapped, err := toALabels.ToASCII(given)
		if err != nil {
			return "", fmt.Sprintf("not a valid internationalised name (%v)", err)
		}
		name = mapped
	}
	name = strings.TrimSuffix(name, ".")
	return name, CheckHostName(name, allowUnderscore)
}

// isLowerLDH tells whether s has only lower-case letters, digits, hyphens and
// dots, and no label that could be an A-label.
func isLowerLDH(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '.', c == '-':
		default:
			return false
		}
	}
	return !strings.Contains(s, "--")
}

const (
	maxNameLength  = 253 // RFC 1035, section 2.3.4: 255 octets on the wire
	maxLabelLength = 63
)

func tooLong(name string) string {
	return fmt.Sprintf("%d bytes long, a host name has at most %d", len(name), maxNameLength)
}

// CheckHostName applies RFC 1123, section 2.1, and RFC 1035, section 2.3.4, to
// a name in ASCII. It returns the reason for which the name is refused.
func CheckHostName(name string, allowUnderscore bool) (refused string) {
	switch {
	case name == "":
		return "empty host name"
	case len(name) > maxNameLength:
		return tooLong(name)
	}
	label, rest, more := "", name, true
	for more {
		label, rest, more = strings.Cut(rest, ".")
		if refused = checkLabel(label, allowUnderscore); refused != "" {
			return refused
		}
	}
	if strings.Trim(label, "0123456789") == "" {
		return "ends like an IP address, in digits only"
	}
	return ""
}

func checkLabel(label string, allowUnderscore bool) (refused string) {
	switch {
	case label == "":
		return "empty label, that is two dots in a row or one at the beginning"
	case len(label) > maxLabelLength:
		return fmt.Sprintf("label of %d bytes, a label has at most %d", len(label), maxLabelLength)
	case label[0] == '-' || label[len(label)-1] == '-':
		return fmt.Sprintf("label %q begins or ends with a hyphen", label)
	case len(label) >= 4 && label[2:4] == "--" && label[:2] != "xn":
		return fmt.Sprintf("label %q has hyphens in the third and fourth place, which RFC 5890 reserves", label)
	}
	for _, char := range label {
		switch {
		case char >= 'a' && char <= 'z', char >= 'A' && char <= 'Z', char >= '0' && char <= '9', char == '-', char == '_' && allowUnderscore:
		case char == '_':
			return "underscore in a host name (Options.AllowUnderscore permits it)"
		default:
			return fmt.Sprintf("character %q; a host name has letters, digits, hyphens and dots", char)
		}
	}
	return ""
}
