package main

import (
	"bytes"
	"fmt"
	"maps"
	"net/netip"
	"strings"
	"testing"
	"time"
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

// zeros is an endless reader.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestFileSizeLimit(t *testing.T) {
	t.Parallel()
	const want = "more than 256 MiB"
	if _, err := (&app{stdin: zeros{}}).readRecords("-"); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("readRecords of endless standard input = %v, want an error with %q", err, want)
	}
}

// $GENERATE lines, which expand a small file to a large zone, fail with a message before
// they are expanded.
func TestGenerateLimits(t *testing.T) {
	t.Parallel()
	const tooMany, form = "too many records", "want START-STOP"
	start := time.Now()
	wantReadErrors(t, map[string][]string{
		"$GENERATE 0-2000000000 $.2.0.192.in-addr.arpa. PTR h$.example.\n":                       {"line 1: " + tooMany, "65536", "1000000"},
		"$TTL 1\n$generate 0-65536 $ A 192.0.2.1\n":                                              {"line 2: " + tooMany},
		"$GENERATE 0-99999999999999999999999/1 $ A 192.0.2.1\n":                                  {"line 1: " + tooMany},
		strings.Repeat("$GENERATE 0-65535 $ A 192.0.2.1\n", 16):                                  {"line 16: " + tooMany},
		"$GENERATE 0-65535 " + strings.Repeat("a ", 1<<20) + "\n":                                {"line 1: " + form},
		"$GENERATE 0-65535 ( $ TXT\na\n)\n":                                                      {"line 1: " + form},
		"$GENERATE 5-1 $ A 192.0.2.1\n":                                                          {"bad range"},
		strings.Repeat("$GENERATE 0-60000 a$. TXT "+strings.Repeat("${0,255} ", 99)+"\n", 2)[1:]: {"zone file"}, // no directive
	})
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("reading took %s, want at most 10 s", took)
	}
	records, err := readContent(t, "$ORIGIN 2.0.192.in-addr.arpa.\n$GENERATE 1-5/2 $ IN PTR host-$.example.com.\n")
	want := recordSet{"": {netip.MustParseAddr("192.0.2.1"): "host-1.example.com", netip.MustParseAddr("192.0.2.3"): "host-3.example.com", netip.MustParseAddr("192.0.2.5"): "host-5.example.com"}}
	if err != nil || !maps.Equal(records[""], want[""]) {
		t.Errorf("readRecords of a $GENERATE line = %v, %v, want %v", records, err, want)
	}
}

func TestTooManyLines(t *testing.T) {
	t.Parallel()
	wantReadErrors(t, map[string][]string{
		strings.Repeat("#\n", 2*maxRecords+1):            {"more than 2000000 lines or commas"},
		"{" + strings.Repeat("a,", 2*maxRecords+1) + "}": {"more than 2000000 lines or commas"},
	})
}

// Of two more records, both fit or only the first does, in each kind of file. The limit
// of a zone includes skipped records, and bytes.
func TestRecordLimits(t *testing.T) {
	t.Parallel()
	for _, content := range []string{
		"192.0.2.1: a.example\n192.0.2.2: b.example\n",
		"kvm_1:\n  192.0.2.1: a.example\n  192.0.2.2: b.example\n",
		"1.2.0.192.in-addr.arpa. PTR a.example.\na. A 192.0.2.1\n",
	} {
		r := newRecordReader(false)
		r.count = maxRecords - 2
		if r.read([]byte(content)); len(r.errs) != 0 {
			t.Errorf("read(%q) as the last of %d records = %v, want no error", content, maxRecords, r.errs)
		}
		r = newRecordReader(false)
		r.count = maxRecords - 1
		if r.read([]byte(content)); len(r.errs) != 1 || !strings.Contains(r.errs[0].Error(), "more than 1000000 records") {
			t.Errorf("read(%q) beyond %d records = %v, want an error", content, maxRecords, r.errs)
		}
	}
	r := newRecordReader(false)
	r.size = maxFileBytes - 100 // TXT records of a kilobyte from a short line
	r.read([]byte("$ORIGIN example.\n$GENERATE 0-65535 $ TXT ${0,255}${0,255}${0,255}${0,255}\n"))
	if len(r.errs) != 1 || !strings.Contains(r.errs[0].Error(), "more than 256 MiB of records") {
		t.Errorf("reading generated records beyond the limit of bytes = %v, want an error", r.errs)
	}
}

// A file may have a million records.
func TestMillionRecords(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("reads a million records, which takes seconds")
	}
	generate := "$ORIGIN example.\n" + strings.Repeat("$GENERATE 0-65535 $ A 192.0.2.1\n", 15) + "$GENERATE 1-16959 $ A 192.0.2.1\n"
	const record = "1.2.0.192.in-addr.arpa. PTR a.example.\n"
	if records, err := readContent(t, generate+record); err != nil || len(records[""]) != 1 {
		t.Errorf("readRecords of 1000000 records = %v, %v, want one PTR record", records, err)
	}
}

func TestZoneIncludesNoFile(t *testing.T) {
	t.Parallel()
	included := writeFile(t, "included", "1.2.0.192.in-addr.arpa. IN PTR secret.example.\n")
	for _, directive := range []string{"$INCLUDE ", "$include "} {
		for _, before := range []string{"", "$TTL 60\n", "2.2.0.192.in-addr.arpa. IN PTR a.example.\n"} {
			_, err := readContent(t, before+directive+included+"\n")
			if err == nil || !strings.Contains(err.Error(), "$INCLUDE directive not allowed") || strings.Contains(err.Error(), "secret") {
				t.Errorf("readRecords of %q and %s = %v, want that it is not allowed", before, directive, err)
			}
		}
	}
}

// A million JSON records fit in memory only if the parser does not keep all their
// tokens. The test is not parallel, because it measures what the process allocates.
func TestJSONTakesAsMuchMemoryAsYAML(t *testing.T) {
	var lines, members bytes.Buffer
	for i := range 20_000 {
		fmt.Fprintf(&lines, "10.0.%d.%d: h%d.example\n", i>>8, i&255, i)
		fmt.Fprintf(&members, ",\n \"10.0.%d.%d\": \"h%d.example\"", i>>8, i&255, i)
	}
	measure := func(content string) uint64 {
		before := allocatedBytes()
		if records, err := readContent(t, content); err != nil || len(records[""]) != 20_000 {
			t.Errorf("readRecords = %d records, %v, want 20000", len(records[""]), err)
		}
		return allocatedBytes() - before
	}
	json, yaml := measure("# comment\n {"+members.String()[1:]+"}"), measure(lines.String())
	if json > 2*yaml {
		t.Errorf("JSON allocates %d bytes, YAML %d, want at most twice as much", json, yaml)
	}
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
	for _, broken := range []string{"11.2.0.192.in-addr.arpa. IN PTR \"\n", "$INCLUDE x\n", "11.2.0.192.in-addr.arpa. IN BAD x\n", "11.2.0.192.in-addr.arpa. IN PTR a_b.example.\n"} {
		got := run(t, env, "apply", "--yes", "-f", writeFile(t, "f", "10.2.0.192.in-addr.arpa. IN PTR mail.example.com.\n"+broken))
		if got.status != 2 || !strings.Contains(got.stderr, "nothing sent") {
			t.Errorf("apply of a zone with %q = %+v, want status 2 and nothing sent", broken, got)
		}
	}
	if requests := server.Requests(); len(requests) != 0 {
		t.Errorf("got %d requests, want 0", len(requests))
	}
}

// Of the comments in a zone, only kvm_id= counts.
func TestZoneComments(t *testing.T) {
	t.Parallel()
	records, err := readContent(t, "$ORIGIN 2.0.192.in-addr.arpa.\n1 PTR a.example. ; our mail server\n2 PTR a.example. ; old, kvm_id=kvm_1\n")
	if err != nil || len(records[""]) != 1 || len(records["kvm_1"]) != 1 {
		t.Errorf("readRecords = %v, %v, want one record of kvm_1 and one of no server", records, err)
	}
}
