package canonical

import (
	"net/netip"
	"regexp"
	"strings"
	"testing"
)

var hostNames = regexp.MustCompile(`^([a-z0-9_]|[a-z0-9_][a-z0-9_-]{0,61}[a-z0-9_])(\.([a-z0-9_]|[a-z0-9_][a-z0-9_-]{0,61}[a-z0-9_]))*$`)

// FuzzName: what is accepted is a host name, and stays as it is when it is made
// canonical again.
func FuzzName(f *testing.F) {
	f.Fuzz(func(t *testing.T, given string, allowUnderscore bool) {
		name, refused := Name(given, allowUnderscore)
		if refused != "" {
			return
		}
		if !hostNames.MatchString(name) || len(name) > 253 || !allowUnderscore && strings.Contains(name, "_") {
			t.Errorf("Name(%q, %v) = %q, which is no host name", given, allowUnderscore, name)
		}
		if _, err := netip.ParseAddr(name); err == nil {
			t.Errorf("Name(%q, %v) = %q, which is an address", given, allowUnderscore, name)
		}
		if again, refused := Name(name, allowUnderscore); again != name {
			t.Errorf("Name(%q) = %q, and of that %q, %s", given, name, again, refused)
		}
	})
}

// FuzzAddress: what is accepted can have a PTR record, and is written in one
// way.
func FuzzAddress(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) {
		given, err := netip.ParseAddr(text)
		if err != nil {
			return
		}
		address, refused := Address(given)
		if (refused == "") != address.IsValid() {
			t.Fatalf("Address(%s) = %v, %q", text, address, refused)
		}
		if refused == "" && (address.Zone() != "" || address.Is4In6() || address.IsLoopback() || address.IsMulticast() || address.IsUnspecified()) {
			t.Errorf("Address(%s) = %s, which can have no PTR record", text, address)
		}
		if again, _ := Address(address); again != address {
			t.Errorf("Address(%s) = %s, and of that %s", text, address, again)
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
		strings.Repeat("a.", 127) + "a": "255 bytes long, a host name has at most 253",
		"-a.example":                    `label "-a" begins or ends with a hyphen`,
		"ab--c.example":                 "invalid label",
		"a_b.example":                   "underscore",
		"a b.example":                   "character ' '",
		"a.example:25":                  "character ':'",
		"192.0.2.1":                     "ends like an IP address",
		"xn--a.example":                 "internationalised",
		"a.xn--":                        "hyphen", // an empty A-label
		"A.xn--":                        "the last label is empty",
		"bücher.example.\u00ad":         "the last label is empty", // a soft hyphen is mapped to nothing
		"a\xff":                         "UTF-8",
	} {
		if name, refused := Name(given, false); !strings.Contains(refused, want) {
			t.Errorf("Name(%q) = %q, %q, want a reason with %q", given, name, refused, want)
		}
	}
	if name, refused := Name("bücher.example\u3002", false); name != "xn--bcher-kva.example" || refused != "" {
		t.Errorf("Name with an ideographic dot at the end = %q, %q", name, refused)
	}
	// A label of 63 bytes and multicast of every scope are at the limits.
	if name, refused := Name(long[1:]+".example", false); refused != "" {
		t.Errorf("Name of a label of 63 bytes = %q, %q", name, refused)
	}
	for _, text := range []string{"239.1.1.1", "ff0e::1", "::ffff:224.0.0.1"} {
		if _, refused := Address(netip.MustParseAddr(text)); refused != "multicast address" {
			t.Errorf("Address(%s) is refused as %q", text, refused)
		}
	}
}
