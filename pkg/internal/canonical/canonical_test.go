package canonical

import (
	"math/rand/v2"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

var hostNames = regexp.MustCompile(`^([a-z0-9_]|[a-z0-9_][a-z0-9_-]{0,61}[a-z0-9_])(\.([a-z0-9_]|[a-z0-9_][a-z0-9_-]{0,61}[a-z0-9_]))*$`)

// FuzzName checks that Name returns a valid host name, which it does not change again.
func FuzzName(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string, allowUnderscore bool) {
		name, err := Name(text, allowUnderscore)
		if err != nil {
			return
		}
		if !hostNames.MatchString(name) || len(name) > 253 || !allowUnderscore && strings.Contains(name, "_") {
			t.Errorf("Name(%q, %v) = %q, want a host name", text, allowUnderscore, name)
		}
		if _, err := netip.ParseAddr(name); err == nil {
			t.Errorf("Name(%q, %v) = %q, want no IP address", text, allowUnderscore, name)
		}
		if again, err := Name(name, allowUnderscore); again != name || err != nil {
			t.Errorf("Name(%q, %v) = %q, %v, want it unchanged", name, allowUnderscore, again, err)
		}
	})
}

// FuzzAddress checks that Address returns an address that can have a PTR record, which
// it does not change again.
func FuzzAddress(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := netip.ParseAddr(text)
		if err != nil {
			return
		}
		address, err := Address(parsed)
		if (err == nil) != address.IsValid() {
			t.Fatalf("Address(%s) = %v, %v, want a valid address or an error", text, address, err)
		}
		if err == nil && (address.Zone() != "" || address.Is4In6() || address.IsLoopback() || address.IsMulticast() || address.IsUnspecified()) {
			t.Errorf("Address(%s) = %s, want an address that can have a PTR record", text, address)
		}
		if again, _ := Address(address); again != address {
			t.Errorf("Address(%s) = %s, want it unchanged", address, again)
		}
	})
}

func TestInvalidNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 64)
	for text, want := range map[string]string{
		"":                               "is empty",
		".":                              "is empty",
		"a..b":                           "empty label",
		".a.example":                     "empty label",
		long + ".example":                "label of 64 bytes",
		strings.Repeat("a.", 127) + "a":  "255 bytes long; a host name has at most 253",
		strings.Repeat("a.", 126) + "aa": "254 bytes long; a host name has at most 253",
		strings.Repeat("ü.", 300) + "a":  "at most 253",
		strings.Repeat("ü", 200):         "label of 400 bytes",
		"-a.example":                     `label "-a", which begins or ends with a hyphen`,
		"a-.example":                     `label "a-", which begins or ends with a hyphen`,
		"ab--c.example":                  "third and fourth position",
		"ああ--x.example":                  "third and fourth position",
		"xn----x-j63ba.example":          "third and fourth position", // the same as an A-label
		"a_b.example":                    "has an underscore",
		"a b.example":                    "character ' '",
		"a.example:25":                   "character ':'",
		"*.example.com":                  "character '*'",
		"192.0.2.1":                      "like an IP address",
		"1.2.3.4.5":                      "like an IP address",
		"xn--a.example":                  "not a valid A-label",
		"xn--abc-z.example":              "not a valid A-label",
		"a.xn--":                         "hyphen", // empty A-label
		"A.xn--":                         "hyphen",
		"xn--が-.example":                 "begins with xn-- but is not ASCII", // would be mapped to another name
		"ｘｎ－－abc.example":                "begins with xn-- but is not ASCII",
		"😀.example":                      "character '😀'",
		"xn--e28h.example":               "character '😀'",
		"bücher.example.\u00ad":          "invisible character U+00AD",
		"a\ufe0fb.example":               "invisible character U+FE0F",
		"1אב.example":                    "not a valid internationalized label", // a right-to-left label that begins with a digit
		"\u0301a.example":                "not a valid internationalized label",
		"a\xff":                          "not valid UTF-8",
	} {
		if name, err := Name(text, false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Name(%q, false) = %q, %v, want an error with %q", text, name, err, want)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("a", 63)
	for text, want := range map[string]string{
		"Mail.Example.COM.":                "mail.example.com",
		longest + ".example":               longest + ".example",
		strings.Repeat("a.", 126) + "a":    strings.Repeat("a.", 126) + "a", // 253 bytes
		"bücher.example":                   "xn--bcher-kva.example",
		"BÜCHER.example.":                  "xn--bcher-kva.example",
		"bücher.Example.COM":               "xn--bcher-kva.example.com", // capitals in the ASCII labels
		"bu\u0308cher.example":             "xn--bcher-kva.example",     // not composed
		"XN--BCHER-KVA.example":            "xn--bcher-kva.example",
		"bücher。example\u3002":             "xn--bcher-kva.example", // ideographic dots
		"FAẞ.example":                      "xn--fa-hia.example",
		"faß.example":                      "xn--fa-hia.example",
		"ＡＢＣ.example":                      "abc.example",
		"אב.example":                       "xn--4dbc.example",
		"192-0-2-10.xn--mgba6a0dd.example": "192-0-2-10.xn--mgba6a0dd.example", // ASCII beside right-to-left
		"col·lecció.example":               "xn--collecci-ioa91d.example",
		"हिन्दी.example":                   "xn--j2bd4cyah0f.example", // spacing and other marks
		"3com.example":                     "3com.example",
		"a":                                "a",
	} {
		if name, err := Name(text, false); name != want || err != nil {
			t.Errorf("Name(%q, false) = %q, %v, want %q", text, name, err, want)
		}
	}
	if name, err := Name("_dmarc.a_b.example", true); name != "_dmarc.a_b.example" || err != nil {
		t.Errorf("Name with allowed underscores = %q, %v, want it unchanged", name, err)
	}
}

// The name that is sent is the one that was typed, up to case and normalization.
func TestNamesDecodeToWhatWasTyped(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	alphabet := []rune("abcxn-019.äöüßẞÄÉéçñÅσςΣжЯאבمح٣がー日本Ａ１ｘｎ－．。·々\u0301\u0308\u00ad\u200d")
	for range 30_000 {
		typed := make([]rune, 1+random.IntN(12))
		for i := range typed {
			typed[i] = alphabet[random.IntN(len(alphabet))]
		}
		name, err := Name(string(typed), false)
		if err != nil {
			continue
		}
		decoded, err := idna.Punycode.ToUnicode(name)
		want := strings.TrimSuffix(fold(string(typed)), ".")
		if strings.HasPrefix(want, acePrefix) || strings.Contains(want, "."+acePrefix) {
			want, _ = idna.Punycode.ToUnicode(want)
		}
		if fold(decoded) != want || err != nil {
			t.Fatalf("Name(%q, false) = %q, which is %q, %v, want %q", string(typed), name, decoded, err, want)
		}
	}
}

// fold returns a name as it is compared: without differences of case and normalization,
// with one kind of dot.
func fold(name string) string {
	return norm.NFKC.String(strings.ToLower(norm.NFKC.String(dots.Replace(name))))
}

func TestInvalidAddresses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"239.1.1.1": "is a multicast address", "ff0e::1": "is a multicast address", "::ffff:224.0.0.1": "is a multicast address",
		"127.0.0.1": "is a loopback address", "::1": "is a loopback address", "0.0.0.0": "is the unspecified address", "::": "is the unspecified address",
		"fe80::1": "link-local", "169.254.1.1": "link-local", "240.0.0.1": "reserved", "255.255.255.255": "broadcast", "2001:db8::1%eth0": "has a zone",
	} {
		if got, err := Address(netip.MustParseAddr(text)); got.IsValid() || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Address(%s) = %v, %v, want an error with %q", text, got, err, want)
		}
	}
	if got, err := Address(netip.Addr{}); err == nil {
		t.Errorf("Address(netip.Addr{}) = %v, want an error", got)
	}
}

func TestIsDefaultName(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		address, name string
		want          bool
	}{
		{"198.51.100.7", "198-51-100-7.static.edis.at", true},
		{"198.51.100.7", "7-100-51-198.static.edis.at", true},
		{"198.51.100.7", "7.100.51.198.static.edisglobal.com", true},
		{"198.51.100.7", "198.51.100.7.static.edisglobal.com", true},
		{"2001:db8::10", "2001-db8--10.static.edis.at", true},
		{"2001:db8::10", "2001-0db8-0000-0000-0000-0000-0000-0010.static.edis.at", true},
		{"198.51.100.8", "198-51-100-7.static.edis.at", false}, // of another address
		{"198.51.100.7", "mail.static.edis.at", false},
		{"198.51.100.7", "mail-198-51-100-7.static.edis.at", false},
		{"198.51.100.7", "static.edis.at", false},
		{"198.51.100.7", "198-51-100-7.static.example.com", false},
		{"198.51.100.7", "198-51-100-7.notstatic.edis.at", false},
		{"198.51.100.7", "", false},
	} {
		if got := IsDefaultName(netip.MustParseAddr(test.address), test.name); got != test.want {
			t.Errorf("IsDefaultName(%s, %q) = %v, want %v", test.address, test.name, got, test.want)
		}
	}
}
