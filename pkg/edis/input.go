package edis

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// record is one PTR in canonical form, ready for the wire.
type record struct {
	address string // RFC 5952 text for IPv6, dotted decimal for IPv4
	name    string // lower-case A-labels, without a trailing dot
}

// canonicalRecords checks ptrs and returns them sorted by address text, the
// order of encoding/json. The error names every refused item.
func canonicalRecords(ptrs map[netip.Addr]string, allowUnderscore bool) ([]record, error) {
	if len(ptrs) == 0 {
		return nil, inputErrors{{Field: "ptrs", Reason: "no records"}}
	}
	var bad inputErrors
	records := make([]record, 0, len(ptrs))
	texts := newAddressTexts(len(ptrs))
	for given, givenName := range ptrs {
		address, reason := canonicalAddress(given)
		if reason != "" {
			bad = append(bad, &InputError{Field: "address", Value: given.String(), Reason: reason})
		}
		name, reason := canonicalName(givenName, allowUnderscore)
		if reason != "" {
			bad = append(bad, &InputError{Field: given.String(), Value: givenName, Reason: reason})
		}
		records = append(records, record{address: texts.text(address), name: name})
	}
	slices.SortFunc(records, func(a, b record) int { return strings.Compare(a.address, b.address) })
	bad = append(bad, duplicates(records)...)
	slices.SortFunc(bad, func(a, b *InputError) int {
		return cmp.Or(strings.Compare(a.Field, b.Field), strings.Compare(a.Value, b.Value))
	})
	return records, bad.orNil()
}

// duplicates refuses addresses that were given twice, in different forms.
func duplicates(sorted []record) inputErrors {
	var bad inputErrors
	for i := 1; i < len(sorted); i++ {
		address := sorted[i].address
		if address == sorted[i-1].address && address != invalidAddress {
			bad = append(bad, &InputError{Field: "address", Value: address, Reason: "given more than once, in different forms"})
		}
	}
	return bad
}

// addressTexts makes the texts of many addresses in few allocations: for 65,536
// records one string in place of 65,536.
type addressTexts struct {
	block strings.Builder
	one   []byte
}

func newAddressTexts(count int) *addressTexts {
	texts := &addressTexts{one: make([]byte, 0, len("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"))}
	texts.block.Grow(count * len("192.0.2.255"))
	return texts
}

func (t *addressTexts) text(address netip.Addr) string {
	t.one = address.AppendTo(t.one[:0])
	start := t.block.Len()
	t.block.Write(t.one)
	return t.block.String()[start:]
}

// invalidAddress is the text of the zero netip.Addr.
const invalidAddress = ""

// canonicalAddress returns the form in which an address is sent, or the reason
// for which it cannot have a PTR.
func canonicalAddress(given netip.Addr) (address netip.Addr, refused string) {
	address = given.Unmap()
	switch {
	case !address.IsValid():
		return netip.Addr{}, "not an IP address"
	case address.Zone() != "":
		return netip.Addr{}, "has a zone, which means something on one machine only"
	case address.IsUnspecified():
		return netip.Addr{}, "unspecified address"
	case address.IsLoopback():
		return netip.Addr{}, "loopback address"
	case address.IsMulticast():
		return netip.Addr{}, "multicast address"
	}
	return address, ""
}

// A-labels are made as IDNA2008 lookups do, with the non-transitional mapping
// of UTS 46. ASCII is left to checkHostName, whose reasons are better and which
// knows of underscores.
var toALabels = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(false))

// canonicalName returns a host name as it is sent: lower-case letters, digits,
// hyphens and dots (and underscores where allowed), labels of RFC 1123, section
// 2.1, internationalised labels as A-labels (RFC 5890), one trailing dot
// removed. Or it returns the reason for which the name is refused.
func canonicalName(given string, allowUnderscore bool) (name, refused string) {
	name = strings.TrimSuffix(given, ".")
	if isLowerLDH(name) { // nearly every name; the mapping would not change it
		return name, checkHostName(name, allowUnderscore)
	}
	if len(name) > maxNameLength*utf8.UTFMax {
		return "", tooLong(name)
	}
	if reason := strangeCharacter(name); reason != "" {
		return "", reason
	}
	name, err := toALabels.ToASCII(name)
	if err != nil {
		return "", fmt.Sprintf("not a valid internationalised name (%s)", clip(err.Error(), 100))
	}
	return name, checkHostName(name, allowUnderscore)
}

// isLowerLDH tells whether s has only lower-case letters, digits, hyphens and
// dots, and no label that could be an A-label.
func isLowerLDH(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !isLowerAlphanumeric(c) && c != '.' && c != '-' {
			return false
		}
	}
	return !strings.Contains(s, "--")
}

// strangeCharacter says what is wrong with a name before the mapping of UTS 46
// can hide it, in words that fit what the caller probably meant.
func strangeCharacter(name string) (refused string) {
	switch {
	case !utf8.ValidString(name):
		return "not valid UTF-8"
	case strings.Contains(name, "://"):
		return "a URL, not a host name"
	case strings.Contains(name, "@"):
		return `has an "@"; a host name has no user`
	case strings.Contains(name, "*"):
		return "wildcard; a PTR names one host"
	case isAddress(name):
		return addressAsName
	case strings.Contains(name, ":"):
		return `has a ":"; a host name has no port`
	}
	for _, char := range name {
		if char <= ' ' || char == 0x7f {
			return fmt.Sprintf("white space or control character %U", char)
		}
	}
	return ""
}

const addressAsName = "an IP address, not a host name"

func isAddress(name string) bool {
	_, err := netip.ParseAddr(strings.Trim(name, "[]"))
	return err == nil
}

const (
	maxNameLength  = 253 // RFC 1035, section 2.3.4: 255 octets on the wire
	maxLabelLength = 63
)

// checkHostName applies RFC 1123, section 2.1, and RFC 1035, section 2.3.4, to
// a name in lower-case ASCII.
func checkHostName(name string, allowUnderscore bool) (refused string) {
	if name == "" {
		return "empty host name"
	}
	if len(name) > maxNameLength {
		return tooLong(name)
	}
	last := name
	for rest, more := name, true; more; {
		last, rest, more = strings.Cut(rest, ".")
		if reason := checkLabel(last, allowUnderscore); reason != "" {
			return reason
		}
	}
	if !strings.ContainsFunc(last, notDigit) {
		if isAddress(name) {
			return addressAsName
		}
		return "the last label has only digits, as in an IP address"
	}
	return ""
}

func isLowerAlphanumeric(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }

func tooLong(name string) string {
	return fmt.Sprintf("%d bytes long, a host name has at most %d", len(name), maxNameLength)
}

func notDigit(char rune) bool { return char < '0' || char > '9' }

func checkLabel(label string, allowUnderscore bool) (refused string) {
	switch {
	case label == "":
		return "empty label (two dots in a row, or one at the beginning)"
	case len(label) > maxLabelLength:
		return fmt.Sprintf("label of %d bytes, a label has at most %d", len(label), maxLabelLength)
	case label[0] == '-' || label[len(label)-1] == '-':
		return fmt.Sprintf("label %q begins or ends with a hyphen", label)
	case len(label) >= 4 && label[2:4] == "--" && label[:2] != "xn":
		return fmt.Sprintf("label %q has hyphens in the third and fourth place, which RFC 5890 reserves", label)
	}
	for i := range len(label) {
		c := label[i]
		switch {
		case isLowerAlphanumeric(c), c == '-':
		case c == '_' && allowUnderscore:
		case c == '_':
			return "underscore in a host name (Options.AllowUnderscore permits it)"
		default:
			return fmt.Sprintf("character %q in a host name", c)
		}
	}
	return ""
}
