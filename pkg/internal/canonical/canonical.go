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
	if refused, final := check(given, allowUnderscore); final { // as for nearly every name
		return given, refused
	}
	switch { // the mapping takes time in proportion, and repairs UTF-8
	case len(given) > (maxNameLength+1)*utf8.UTFMax:
		return "", tooLong(given)
	case !utf8.ValidString(given):
		return "", "not valid UTF-8"
	}
	name, err := toALabels.ToASCII(given)
	if err != nil {
		return "", fmt.Sprintf("not a valid internationalised name (%v)", err)
	}
	last, _ := utf8.DecodeLastRuneInString(given)
	if strings.HasSuffix(name, ".") && !strings.ContainsRune(dots, last) {
		return "", "the last label is empty once it is mapped"
	}
	name = strings.TrimSuffix(name, ".")
	return name, CheckHostName(name, allowUnderscore)
}

// dots are those that the mapping takes for one (UTS 46, section 4).
const dots = ".\u3002\uff0e\uff61"

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
	refused, _ = check(name, allowUnderscore)
	return refused
}

// check also tells whether that is final, because to map the name would change
// nothing: there is no upper case in it and no A-label.
func check(name string, allowUnderscore bool) (refused string, final bool) {
	switch {
	case name == "":
		return "empty host name", false
	case len(name) > maxNameLength:
		return tooLong(name), false
	}
	final = true
	start := 0 // of the label
	for i := range len(name) {
		switch char := name[i]; {
		case char >= 'a' && char <= 'z', isDigit(char), char == '-', char == '_' && allowUnderscore:
		case char == '.':
			refused, mapped := checkLabel(name[start:i])
			if refused != "" {
				return refused, !mapped
			}
			final = final && !mapped
			start = i + 1
		case char >= 'A' && char <= 'Z':
			final = false
		default:
			return refusedCharacter(name[i:]), false
		}
	}
	last := name[start:]
	refused, mapped := checkLabel(last)
	if refused == "" && isDigit(last[0]) && strings.Trim(last, "0123456789") == "" {
		refused = "ends like an IP address, in digits only"
	}
	return refused, final && !mapped
}

func isDigit(char byte) bool { return char >= '0' && char <= '9' }

// checkLabel checks all but the characters of a label, and tells whether the
// mapping has something to say about it.
func checkLabel(label string) (refused string, mapped bool) {
	switch {
	case label == "":
		return "empty label, that is two dots in a row or one at the beginning", true
	case len(label) > maxLabelLength:
		return fmt.Sprintf("label of %d bytes, a label has at most %d", len(label), maxLabelLength), true
	case label[0] == '-' || label[len(label)-1] == '-':
		return fmt.Sprintf("label %q begins or ends with a hyphen", label), false
	case len(label) < 4 || label[2:4] != "--":
		return "", false
	case label[:2] != "xn":
		refused = fmt.Sprintf("label %q has hyphens in the third and fourth place, which RFC 5890 reserves", label)
	}
	return refused, true
}

// refusedCharacter says what is wrong with the first character.
func refusedCharacter(text string) string {
	char, _ := utf8.DecodeRuneInString(text)
	if char == '_' {
		return "underscore in a host name (Options.AllowUnderscore permits it)"
	}
	return fmt.Sprintf("character %q; a host name has letters, digits, hyphens and dots", char)
}
