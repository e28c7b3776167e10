package main

import (
	"fmt"
	"maps"
	"net/netip"
	"strings"
	"testing"
)

// FuzzReadRecords checks that reading a file never panics and that the
// records it returns are canonical.
func FuzzReadRecords(f *testing.F) {
	f.Fuzz(func(t *testing.T, content string) {
		a := &app{stdin: strings.NewReader(content), allowUnderscore: true}
		records, err := a.readRecords("-")
		if err != nil {
			_ = a.errorText(err)
			return
		}
		for _, ptrs := range records {
			for address, name := range ptrs {
				if !address.IsValid() || address.Is4In6() || strings.ToLower(name) != name || strings.HasSuffix(name, ".") {
					t.Errorf("readRecords(%q) = %v: %q, want a canonical record", content, address, name)
				}
			}
		}
	})
}

// readContent writes content to a file and reads the records of the file.
func readContent(t *testing.T, content string) (recordSet, error) {
	t.Helper()
	return new(app).readRecords(writeFile(t, "records", content))
}

// wantReadErrors checks that reading each content fails with each of the texts.
func wantReadErrors(t *testing.T, tests map[string][]string) {
	t.Helper()
	for content, wants := range tests {
		_, err := readContent(t, content)
		for _, want := range wants {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("readRecords(%.200q) = %v, want an error with %q", content, err, want)
			}
		}
	}
}

func TestNullDeletes(t *testing.T) {
	t.Parallel()
	for _, content := range []string{
		"192.0.2.1: null", "192.0.2.1: Null", "192.0.2.1: NULL", "192.0.2.1: ~", "{192.0.2.1: null}", `{"192.0.2.1":null}`, "kvm_1:\n  192.0.2.1: ~\n",
	} {
		records, err := readContent(t, content)
		for _, ptrs := range records {
			if name, ok := ptrs[netip.MustParseAddr("192.0.2.1")]; !ok || name != "" {
				t.Errorf("readRecords(%q) = %v, want no record for 192.0.2.1", content, records)
			}
		}
		if err != nil || len(records) != 1 {
			t.Errorf("readRecords(%q) = %v, %v, want one server", content, records, err)
		}
	}
}

// A file that was cut off after an address does not delete its record.
func TestOnlyWrittenNullDeletes(t *testing.T) {
	t.Parallel()
	const reason = "has no host name; write null"
	wantReadErrors(t, map[string][]string{
		"192.0.2.1: a.example\n192.0.2.2:":   {`"192.0.2.2" for line 2: ` + reason},
		"192.0.2.2:\n192.0.2.1: a.example\n": {`"192.0.2.2" for line 1: ` + reason},
		"192.0.2.2: # mail.example.com\n":    {`"192.0.2.2" for line 1: ` + reason},
		"192.0.2.2: !!null x\n":              {`"192.0.2.2" for line 1: ` + reason},
		"192.0.2.2: !!null\n":                {`"192.0.2.2" for line 1: ` + reason},
		"kvm_1:\n  192.0.2.2:\n":             {`"192.0.2.2" for line 2: ` + reason},
		"{192.0.2.2: }":                      {`"192.0.2.2" for line 1: ` + reason},
		"\n{192.0.2.2}":                      {`"192.0.2.2" for line 2: ` + reason},
	})
}

func TestAliasesAreRefused(t *testing.T) {
	t.Parallel()
	const reason = "aliases (*name) and merge keys (<<) are not supported"
	var laughs strings.Builder
	laughs.WriteString("kvm_0: &a0 {192.0.2.1: a.example}\n")
	for i := range 30 {
		fmt.Fprintf(&laughs, "kvm_%d: &a%d {%s}\n", i+1, i+1, strings.Repeat(fmt.Sprintf("? *a%d : *a%d, ", i, i), 9))
	}
	wantReadErrors(t, map[string][]string{
		"192.0.2.1: &a a.example\n192.0.2.2: *a\n":            {`"192.0.2.2" for line 2: ` + reason},
		"&a 192.0.2.1: a.example\n*a : b.example\n":           {"line 2: " + reason},
		"kvm_1: &a {192.0.2.1: a.example}\nkvm_2: *a\n":       {`"kvm_2" for line 2: ` + reason},
		"kvm_1: &a {192.0.2.1: a.example}\n<<: *a\n":          {"line 2: " + reason},
		"<<: {192.0.2.1: a.example}\n":                        {"line 1: " + reason},
		"kvm_1: &a {192.0.2.1: a.example}\nkvm_2: {<<: *a}\n": {"line 2: " + reason},
		"? [192.0.2.1]\n: {192.0.2.2: a.example}\n":           {"line 1", "want an IP address or a KVM ID"},
		"'': {192.0.2.2: a.example}\n":                        {"line 1", "want an IP address or a KVM ID"},
		laughs.String():                                       {"line 31: " + reason},
	})
}

// A zone file needs neither upper case nor a TTL.
func TestZoneDefaults(t *testing.T) {
	t.Parallel()
	want := map[netip.Addr]string{netip.MustParseAddr("192.0.2.10"): "mail.example.com"}
	for _, content := range []string{
		"10.2.0.192.in-addr.arpa. 60 in ptr mail.example.com.\n",
		"10.2.0.192.in-addr.arpa. IN PTR mail.example.com.\n",
		"$origin 2.0.192.in-addr.arpa.\n10 ptr mail.example.com.\n",
	} {
		if records, err := readContent(t, content); err != nil || !maps.Equal(records[""], want) {
			t.Errorf("readRecords(%q) = %v, %v, want %v", content, records, err, want)
		}
	}
}

func TestZoneNoticesMissingDot(t *testing.T) {
	t.Parallel()
	wantReadErrors(t, map[string][]string{
		"$ORIGIN 8.b.d.0.1.0.0.2.ip6.arpa.\n0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 60 IN PTR mail.example.com\n": {"mail.example.com.8.b.d.0.1.0.0.2.ip6.arpa.", "trailing dot"},
		"$ORIGIN 2.0.192.in-addr.arpa.\n10 60 IN PTR mail.example.com\n":                                                  {"mail.example.com.2.0.192.in-addr.arpa.", "trailing dot"},
	})
}

func TestApplyOfBrokenZoneChangesNothing(t *testing.T) {
	t.Parallel()
	server, env := startSandbox(t)
	for _, broken := range []string{"11.2.0.192.in-addr.arpa. IN PTR \"\n", "11.2.0.192.in-addr.arpa. IN BAD x\n", "11.2.0.192.in-addr.arpa. IN PTR a_b.example.\n"} {
		got := run(t, env, "apply", "--yes", "-f", writeFile(t, "f", "10.2.0.192.in-addr.arpa. IN PTR mail.example.com.\n"+broken))
		if got.status != 2 || !strings.Contains(got.stderr, "nothing sent") {
			t.Errorf("apply of a zone with %q = %+v, want status 2 and nothing sent", broken, got)
		}
	}
	if requests := server.Requests(); len(requests) != 0 {
		t.Errorf("got %d requests, want 0", len(requests))
	}
}
