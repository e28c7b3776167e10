package canonical

import (
	"net/netip"
	"regexp"
	"strings"
	"testing"
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

func TestErrors(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 64)
	for text, want := range map[string]string{
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
		"a.xn--":                        "hyphen", // empty A-label
		"A.xn--":                        "hyphen",
		"bücher.example.\u00ad":         "the last label is empty", // IDNA removes a soft hyphen
		"a\xff":                         "UTF-8",
	} {
		if name, err := Name(text, false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Name(%q, false) = %q, %v, want an error with %q", text, name, err, want)
		}
	}
	const trailingIdeographicDot, want = "bücher.example\u3002", "xn--bcher-kva.example"
	if name, err := Name(trailingIdeographicDot, false); name != want || err != nil {
		t.Errorf("Name(%q, false) = %q, %v, want %q", trailingIdeographicDot, name, err, want)
	}
	if name, err := Name(long[1:]+".example", false); err != nil { // 63 bytes, the longest label
		t.Errorf("Name(%q, false) = %q, %v", long[1:]+".example", name, err)
	}
	for _, text := range []string{"239.1.1.1", "ff0e::1", "::ffff:224.0.0.1"} {
		if _, err := Address(netip.MustParseAddr(text)); err == nil || err.Error() != "multicast address" {
			t.Errorf("Address(%s) = %v, want %q", text, err, "multicast address")
		}
	}
}
