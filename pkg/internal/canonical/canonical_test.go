package canonical

import (
	"net/netip"
	"regexp"
	"strings"
	"testing"
)

var hostNames = regexp.MustCompile(`^([a-z0-9_]|[a-z0-9_][a-z0-9_-]{0,61}[a-z0-9_])(\.([a-z0-9_]|[a-z0-9_][a-z0-9_-]{0,61}[a-z0-9_]))*$`)

// FuzzName: a name that is accepted is a host name, and Name does not change it again.
func FuzzName(f *testing.F) {
	f.Fuzz(func(t *testing.T, given string, allowUnderscore bool) {
		name, err := Name(given, allowUnderscore)
		if err != nil {
			return
		}
		if !hostNames.MatchString(name) || len(name) > 253 || !allowUnderscore && strings.Contains(name, "_") {
			t.Errorf("Name(%q, %v) = %q, which is not a host name", given, allowUnderscore, name)
		}
		if _, err := netip.ParseAddr(name); err == nil {
			t.Errorf("Name(%q, %v) = %q, which is an address", given, allowUnderscore, name)
		}
		if again, err := Name(name, allowUnderscore); again != name || err != nil {
			t.Errorf("Name(%q) = %q, and Name of that = %q, %v", given, name, again, err)
		}
	})
}

// FuzzAddress: an address that is accepted can have a PTR record, and has one form.
func FuzzAddress(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) {
		given, err := netip.ParseAddr(text)
		if err != nil {
			return
		}
		address, err := Address(given)
		if (err == nil) != address.IsValid() {
			t.Fatalf("Address(%s) = %v, %v", text, address, err)
		}
		if err == nil && (address.Zone() != "" || address.Is4In6() || address.IsLoopback() || address.IsMulticast() || address.IsUnspecified()) {
			t.Errorf("Address(%s) = %s, which cannot have a PTR record", text, address)
		}
		if again, _ := Address(address); again != address {
			t.Errorf("Address(%s) = %s, and Address of that = %s", text, address, again)
		}
	})
}

func TestReasons(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 64)
	for given, want := range map[string]string{
		"":                              "empty host name",
		".":                             "empty host name",
		"a..b":                          "empty label",
		long + ".example":               "label of 64 bytes",
		strings.Repeat("a.", 127) + "a": "255 bytes long; a host name has at most 253",
		"-a.example":                    `label "-a" begins or ends with a hyphen`,
		"ab--c.example":                 "third and fourth position",
		"a_b.example":                   "underscore",
		"a b.example":                   "character ' '",
		"a.example:25":                  "character ':'",
		"192.0.2.1":                     "like an IP address",
		"xn--a.example":                 "internationalized",
		"a.xn--":                        "hyphen", // an empty A-label
		"A.xn--":                        "hyphen",
		"bücher.example.\u00ad":         "the last label is empty", // a soft hyphen is mapped to nothing
		"a\xff":                         "UTF-8",
	} {
		if name, err := Name(given, false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Name(%q) = %q, %v, want an error with %q", given, name, err, want)
		}
	}
	if name, err := Name("bücher.example\u3002", false); name != "xn--bcher-kva.example" || err != nil {
		t.Errorf("Name with an ideographic dot at the end = %q, %v", name, err)
	}
	// A label of 63 bytes and multicast of every scope are at the limits.
	if name, err := Name(long[1:]+".example", false); err != nil {
		t.Errorf("Name of a label of 63 bytes = %q, %v", name, err)
	}
	for _, text := range []string{"239.1.1.1", "ff0e::1", "::ffff:224.0.0.1"} {
		if _, err := Address(netip.MustParseAddr(text)); err == nil || err.Error() != "multicast address" {
			t.Errorf("Address(%s) = %v, want a multicast address", text, err)
		}
	}
}
