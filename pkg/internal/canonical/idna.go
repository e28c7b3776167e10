package canonical

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// acePrefix begins every A-label (RFC 5890, section 2.3.2.5).
const acePrefix = "xn--"

// profile maps one label with non-transitional UTS 46 and validates it as IDNA2008 does:
// joiners, hyphens, direction. [checkULabel] adds what it leaves out. It is applied to
// labels, not names: its rule for right-to-left labels would also refuse a name for the
// ASCII labels beside them.
var profile = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(false))

// IsASCII reports whether text has ASCII characters only.
func IsASCII(text string) bool {
	return !strings.ContainsFunc(text, func(char rune) bool { return char >= utf8.RuneSelf })
}

// dots are the characters that separate labels in an internationalized name (UTS 46,
// section 4), with the dot that they stand for.
var dots = strings.NewReplacer("\u3002", ".", "\uff0e", ".", "\uff61", ".")

// mapName returns an internationalized name in ASCII.
func mapName(name string) (string, error) {
	if !utf8.ValidString(name) {
		return "", errors.New("is not valid UTF-8")
	}
	var ascii []byte
	for label := range strings.SplitSeq(dots.Replace(name), ".") {
		mapped, err := mapLabel(label)
		if err != nil {
			return "", err
		}
		ascii = append(append(ascii, mapped...), '.')
		if len(ascii) > maxNameLength+len("..") { // mapping the rest of a long name takes long
			return "", fmt.Errorf("is too long; a host name has at most %d bytes", maxNameLength)
		}
	}
	return string(ascii[:len(ascii)-1]), nil
}

// mapLabel returns a label in ASCII, as an A-label if it is internationalized.
func mapLabel(label string) (string, error) {
	if IsASCII(label) {
		return strings.ToLower(label), nil
	}
	if len(label) > maxLabelLength*utf8.UTFMax {
		return "", fmt.Errorf("has a label of %d bytes; a label has at most %d", len(label), maxLabelLength)
	}
	// The mapping would drop these: the name would not be the one that was typed.
	if i := strings.IndexFunc(label, isInvisible); i >= 0 {
		char, _ := utf8.DecodeRuneInString(label[i:])
		return "", fmt.Errorf("has the invisible character %U; remove it", char)
	}
	if strings.HasPrefix(strings.ToLower(norm.NFKC.String(label)), acePrefix) {
		return "", fmt.Errorf("has the label %q, which begins with %s but is not ASCII", label, acePrefix)
	}
	label = strings.ReplaceAll(label, "\u1e9e", "\u00df") // newer versions of UTS 46 map capital sharp s to the small one
	mapped, err := profile.ToASCII(label)
	if err != nil || mapped == "" {
		return "", fmt.Errorf("has the label %q, which is not a valid internationalized label", label)
	}
	return mapped, nil
}

// isInvisible reports whether a character is one that the mapping of UTS 46 ignores, or
// that is not shown. Joiners may be valid (RFC 5892, appendix A).
func isInvisible(char rune) bool {
	const nonJoiner, joiner = '\u200c', '\u200d'
	invisible := unicode.In(char, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point)
	return invisible && char != nonJoiner && char != joiner
}

// checkALabel returns an error for a lower-case label that has the prefix of an A-label
// but is none: it must decode to a valid U-label that encodes to the same (RFC 5890,
// section 2.3.2.1).
func checkALabel(label string) error {
	if !strings.HasPrefix(label, acePrefix) {
		return nil
	}
	decoded, err := profile.ToUnicode(label)
	encoded, encodeErr := profile.ToASCII(decoded)
	if err != nil || encodeErr != nil || encoded != label {
		return fmt.Errorf("has the label %q, which is not a valid A-label", label)
	}
	return checkULabel(label, decoded)
}

// checkULabel returns an error unless a decoded label has only characters that IDNA2008
// permits (RFC 5892, section 3): letters, marks, decimal digits, hyphens, and exceptions.
// Where it permits one in some contexts only, the context is not checked.
func checkULabel(label, decoded string) error {
	chars := []rune(decoded)
	if len(chars) > 3 && chars[2] == '-' && chars[3] == '-' {
		return fmt.Errorf("has the label %q with hyphens in the third and fourth position, which RFC 5890 reserves", label)
	}
	for _, char := range chars {
		permitted := unicode.In(char, unicode.L, unicode.Mn, unicode.Mc, unicode.Nd) || strings.ContainsRune(exceptions, char)
		if !permitted {
			return fmt.Errorf("has the character %q; an internationalized host name has only letters, marks, digits and hyphens", char)
		}
	}
	return nil
}

// exceptions are permitted though they are not letters, marks or digits: the hyphen, and
// those of RFC 5892, section 2.6 and appendix A.
const exceptions = "-\u00b7\u0375\u05f3\u05f4\u06fd\u06fe\u0f0b\u200c\u200d\u3007\u30fb"
