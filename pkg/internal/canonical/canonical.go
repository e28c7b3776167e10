// Package canonical defines the one form in which addresses and host names are
// sent, compared and shown, and which of them are valid in a PTR record.
package canonical

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// reserved includes the limited broadcast address (RFC 1112, section 4; RFC 919, section
// 7).
var reserved = netip.MustParsePrefix("240.0.0.0/4")

// Address returns the address as it is sent, with an IPv4-mapped address as IPv4.
// It returns an error if the address cannot have a PTR record.
func Address(address netip.Addr) (netip.Addr, error) {
	switch unmapped := address.Unmap(); {
	case !address.IsValid():
		return netip.Addr{}, errors.New("not an IP address")
	case address.Zone() != "":
		return netip.Addr{}, errors.New("has a zone, which is meaningful on one machine only")
	case unmapped.IsUnspecified():
		return netip.Addr{}, errors.New("unspecified address")
	case unmapped.IsLoopback():
		return netip.Addr{}, errors.New("loopback address")
	case unmapped.IsMulticast():
		return netip.Addr{}, errors.New("multicast address")
	case unmapped.IsLinkLocalUnicast(), reserved.Contains(unmapped):
		return netip.Addr{}, errors.New("link-local, reserved or broadcast address")
	default:
		return unmapped, nil
	}
}

// IsLoopback reports whether a host is this machine. It knows localhost by name (RFC 6761,
// section 6.3) and looks nothing up.
func IsLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback()
}

// ReverseName returns the name of the PTR record of an address, without the trailing dot
// (RFC 1035, section 3.5; RFC 3596, section 2.5).
func ReverseName(address netip.Addr) (name string) {
	if address.Is4() {
		ip4 := address.As4()
		return fmt.Sprintf("%d.%d.%d.%d.in-addr.arpa", ip4[3], ip4[2], ip4[1], ip4[0])
	}
	for _, octet := range address.As16() {
		name = fmt.Sprintf("%x.%x.", octet&15, octet>>4) + name
	}
	return name + "ip6.arpa"
}

// toALabels applies non-transitional UTS 46 with the IDNA2008 checks for hyphens, joiners
// and direction. It accepts some symbols that IDNA2008 does not. CheckHostName enforces
// the rules for ASCII, with better reasons.
var toALabels = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(false))

// Name returns the host name as it is sent: labels of lower-case letters, digits,
// hyphens and, where allowed, underscores (RFC 1123, section 2.1);
// internationalized labels as A-labels (RFC 5890); without the trailing dot.
// It returns an error if the name is not a valid host name.
func Name(name string, allowUnderscore bool) (string, error) {
	if !strings.ContainsFunc(name, func(char rune) bool { return char >= utf8.RuneSelf }) {
		name = strings.TrimSuffix(strings.ToLower(name), ".")
		if err := CheckHostName(name, allowUnderscore); err != nil {
			return "", err
		}
		if !strings.Contains(name, "xn--") {
			return name, nil // as for nearly every name; mapping takes ten times as long
		}
	}
	mapped, err := mapName(name)
	if err != nil {
		return "", err
	}
	return mapped, CheckHostName(mapped, allowUnderscore)
}

// mapName returns an internationalized name, or one with A-labels, in ASCII.
func mapName(name string) (string, error) {
	// Mapping takes time in proportion to the length, and replaces invalid UTF-8.
	if len(name) > (maxNameLength+1)*utf8.UTFMax || !utf8.ValidString(name) {
		return "", errors.New("too long, or not valid UTF-8")
	}
	mapped, err := toALabels.ToASCII(name)
	if err != nil {
		return "", fmt.Errorf("not a valid internationalized name: %w", err)
	}
	// The mapping drops a last label that it maps to nothing, such as a soft hyphen. It
	// treats four characters as a dot (UTS 46, section 4).
	last, _ := utf8.DecodeLastRuneInString(name)
	if strings.HasSuffix(mapped, ".") && !strings.ContainsRune(".\u3002\uff0e\uff61", last) {
		return "", errors.New("the last label is empty after IDNA mapping")
	}
	return strings.TrimSuffix(mapped, "."), nil
}

const (
	maxNameLength  = 253 // RFC 1035, section 2.3.4: 255 octets on the wire
	maxLabelLength = 63
)

// CheckHostName checks a lower-case ASCII name against RFC 1123, section 2.1, and
// RFC 1035, section 2.3.4.
func CheckHostName(name string, allowUnderscore bool) error {
	switch {
	case name == "":
		return errors.New("empty host name")
	case len(name) > maxNameLength:
		return fmt.Errorf("%d bytes long; a host name has at most %d", len(name), maxNameLength)
	}
	var label string
	for rest, more := name, true; more; {
		label, rest, more = strings.Cut(rest, ".")
		if err := checkLabel(label, allowUnderscore); err != nil {
			return err
		}
	}
	if strings.Trim(label, "0123456789") == "" {
		return errors.New("ends in a numeric label, like an IP address")
	}
	return nil
}

func checkLabel(label string, allowUnderscore bool) error {
	for i := range len(label) {
		switch char := label[i]; {
		case char >= 'a' && char <= 'z', char >= '0' && char <= '9', char == '-', char == '_' && allowUnderscore:
		default:
			return errCharacter(label[i:])
		}
	}
	switch {
	case label == "":
		return errors.New("empty label: two dots in a row, or one at the beginning")
	case len(label) > maxLabelLength:
		return fmt.Errorf("label of %d bytes; a label has at most %d", len(label), maxLabelLength)
	case label[0] == '-' || label[len(label)-1] == '-':
		return fmt.Errorf("label %q begins or ends with a hyphen", label)
	case len(label) >= 4 && label[2:4] == "--" && label[:2] != "xn":
		return fmt.Errorf("label %q has hyphens in the third and fourth position, which RFC 5890 reserves", label)
	}
	return nil
}

func errCharacter(text string) error {
	char, _ := utf8.DecodeRuneInString(text)
	if char == '_' {
		return errors.New("underscore in a host name (Options.AllowUnderscore permits it)")
	}
	return fmt.Errorf("character %q; a host name has only letters, digits, hyphens and dots", char)
}
