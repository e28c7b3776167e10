// Package canonical defines the one form in which addresses and host names are
// sent, compared and shown, and which of them are valid in a PTR record.
package canonical

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"
)

// reserved includes the limited broadcast address (RFC 1112, section 4; RFC 919, section
// 7).
var reserved = netip.MustParsePrefix("240.0.0.0/4")

// Address returns the address as it is sent, with an IPv4-mapped address as IPv4.
// It returns an error if the address cannot have a PTR record.
func Address(address netip.Addr) (netip.Addr, error) {
	switch unmapped := address.Unmap(); {
	case !address.IsValid():
		return netip.Addr{}, errors.New("is not an IP address")
	case address.Zone() != "":
		return netip.Addr{}, errors.New("has a zone, which is meaningful on one machine only")
	case unmapped.IsUnspecified():
		return netip.Addr{}, errors.New("is the unspecified address")
	case unmapped.IsLoopback():
		return netip.Addr{}, errors.New("is a loopback address")
	case unmapped.IsMulticast():
		return netip.Addr{}, errors.New("is a multicast address")
	case unmapped.IsLinkLocalUnicast(), reserved.Contains(unmapped):
		return netip.Addr{}, errors.New("is a link-local, reserved or broadcast address")
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
func ReverseName(address netip.Addr) string {
	if address.Is4() {
		ip4 := address.As4()
		return fmt.Sprintf("%d.%d.%d.%d.in-addr.arpa", ip4[3], ip4[2], ip4[1], ip4[0])
	}
	const digits = "0123456789abcdef"
	text := make([]byte, 0, len("0.")*32+len("ip6.arpa"))
	octets := address.As16()
	for _, octet := range slices.Backward(octets[:]) {
		text = append(text, digits[octet&15], '.', digits[octet>>4], '.')
	}
	return string(append(text, "ip6.arpa"...))
}

// IsOwnReverseName reports whether a canonical name is the reverse name of the address,
// which stands for no record.
func IsOwnReverseName(address netip.Addr, name string) bool {
	return strings.HasSuffix(name, ".arpa") && address.IsValid() && name == ReverseName(address.Unmap())
}

// Name returns the host name as it is sent: labels of lower-case letters, digits,
// hyphens and, where allowed, underscores (RFC 1123, section 2.1). Internationalized
// labels become A-labels (RFC 5890). The trailing dot is removed. It returns an error if
// the name is not a valid host name.
func Name(name string, allowUnderscore bool) (string, error) {
	mapped := strings.ToLower(name)
	if !IsASCII(name) {
		var err error
		if mapped, err = mapName(name); err != nil {
			return "", err
		}
	}
	mapped = strings.TrimSuffix(mapped, ".")
	if err := CheckHostName(mapped, allowUnderscore); err != nil {
		return "", err
	}
	if !strings.Contains(mapped, acePrefix) {
		return mapped, nil // as for nearly every name; the check takes ten times as long
	}
	for label := range strings.SplitSeq(mapped, ".") {
		if err := checkALabel(label); err != nil {
			return "", err
		}
	}
	return mapped, nil
}

const (
	maxNameLength  = 253 // RFC 1035, section 2.3.4: 255 octets on the wire
	maxLabelLength = 63
)

// ReceivedName returns a name that the service returned in the form of [Name]. It does not
// decode A-labels: an invalid one can be shown and compared all the same.
func ReceivedName(name string) (string, error) {
	if !IsASCII(name) {
		return Name(name, true)
	}
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	return name, CheckHostName(name, true)
}

// CheckHostName checks a lower-case ASCII name against RFC 1123, section 2.1, and
// RFC 1035, section 2.3.4.
func CheckHostName(name string, allowUnderscore bool) error {
	switch {
	case name == "":
		return errors.New("is empty")
	case len(name) > maxNameLength:
		return fmt.Errorf("is %d bytes long; a host name has at most %d", len(name), maxNameLength)
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
		return errors.New("has an empty label; remove the dot at its beginning, or one of two in a row")
	case len(label) > maxLabelLength:
		return fmt.Errorf("has a label of %d bytes; a label has at most %d", len(label), maxLabelLength)
	case label[0] == '-' || label[len(label)-1] == '-':
		return fmt.Errorf("has the label %q, which begins or ends with a hyphen", label)
	case len(label) >= 4 && label[2:4] == "--" && !strings.HasPrefix(label, acePrefix):
		return fmt.Errorf("has the label %q with hyphens in the third and fourth position, which RFC 5890 reserves", label)
	}
	return nil
}

func errCharacter(text string) error {
	char, _ := utf8.DecodeRuneInString(text)
	if char == '_' {
		return errors.New("has an underscore; allow underscores if that is right")
	}
	return fmt.Errorf("has the character %q; a host name has only letters, digits, hyphens and dots", char)
}
