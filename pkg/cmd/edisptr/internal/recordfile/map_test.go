package recordfile

import (
	"fmt"
	"maps"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestMaps(t *testing.T) {
	t.Parallel()
	two := flat{"192.0.2.10": "mail.example.com", "2001:db8::1": ""}
	for name, content := range map[string]string{
		"YAML":                  "# comment\n192.0.2.10: mail.example.com\n2001:db8::1: null\n",
		"YAML 1.2":              "%YAML 1.2\n---\n192.0.2.10: mail.example.com\n2001:db8::1: ~\n",
		"YAML 1.2 and comments": "# a\n\n%YAML 1.2 # b\n---\n192.0.2.10: mail.example.com\n2001:db8::1: Null\n",
		"YAML 1.1":              "%YAML 1.1\n---\n192.0.2.10: mail.example.com\n2001:db8::1: NULL\n",
		"quoted":                "'192.0.2.10': \"MAIL.example.com.\"\n\"2001:db8:0::1\": null\n",
		"byte order mark":       "\ufeff192.0.2.10: mail.example.com\n2001:db8::1: null\n",
		"carriage returns":      "192.0.2.10: mail.example.com\r\n2001:db8::1: null\r\n",
		"braces":                "{192.0.2.10: mail.example.com, 2001:db8::1: null}",
		"JSON":                  `{"192.0.2.10": "mail.example.com", "2001:db8::1": null}`,
		"JSON on several lines": "\n{\n  \"::ffff:192.0.2.10\": \"mail.example.com\",\n  \"2001:db8::1\": null\n}\n",
		"JSON with a comma":     `{"192.0.2.10": "mail.example.com", "2001:db8::1": null,}`,
		"JSON after a comment":  "# a\n {\"192.0.2.10\": \"mail.example.com\", \"2001:db8::1\": null}",
		"JSON with escapes":     `{"192.0.2.10": "\u006dail.example.com", "2001:db8::1": null}`,
		"identical twice":       "192.0.2.10: mail.example.com\n192.0.2.10: MAIL.example.com\n::ffff:192.0.2.10: mail.example.com\n2001:db8::1: ~\n",
		"identical JSON names":  `{"192.0.2.10": "mail.example.com", "192.0.2.10": "mail.example.com", "2001:db8::1": null}`,
		"records of no server":  `{"records":[{"ip":"192.0.2.10","name":"mail.example.com","state":"set"},{"ip":"2001:db8::1","name":"","state":"absent"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantRecords(t, content, two)
		})
	}
}

func TestServers(t *testing.T) {
	t.Parallel()
	want := map[string]map[netip.Addr]string{
		"kvm_1": flat{"192.0.2.1": "a.example", "192.0.2.2": ""}.records(),
		"kvm_2": flat{}.records(),
		"kvm_3": flat{"2001:db8::1": "b"}.records(),
	}
	for name, content := range map[string]string{
		"YAML":           "kvm_1:\n  192.0.2.1: a.example\n  192.0.2.2: null\nkvm_2: {}\nkvm_3: {\"2001:db8::1\": b.}\n",
		"JSON":           `{"kvm_1":{"192.0.2.1":"a.example","192.0.2.2":null},"kvm_2":{},"kvm_3":{"2001:db8::1":"b."}}`,
		"one ID twice":   `{"kvm_1":{"192.0.2.1":"a.example"},"kvm_2":{},"kvm_3":{"2001:db8::1":"b."},"kvm_1":{"192.0.2.2":null}}`,
		"list -o json":   `{"servers":[{"kvm_id":"kvm_1","records":[{"ip":"192.0.2.1","name":"a.example","state":"present"},{"ip":"192.0.2.2","name":"","state":"deleted"}]},{"kvm_id":"kvm_2","records":[]},{"records":[{"name":"b","ip":"2001:db8::1"}],"kvm_id":"kvm_3"}]}`,
		"list as YAML":   "servers:\n- kvm_id: kvm_1\n  records:\n  - {ip: 192.0.2.1, name: a.example}\n  - {ip: 192.0.2.2, name: '', state: absent}\n- {kvm_id: kvm_2, records: []}\n- {kvm_id: kvm_3, records: [{ip: '2001:db8::1', name: b}]}\n",
		"IDs of records": `{"kvm_id":"kvm_2","status":"success","records":[{"ip":"192.0.2.1","name":"a.example","kvm_id":"kvm_1"},{"ip":"192.0.2.2","state":"absent","kvm_id":"kvm_1"},{"kvm_id":"kvm_3","ip":"2001:db8::1","name":"b","extra":{"a":[1,{}]}}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set, err := read(content, Options{})
			if err != nil || !maps.EqualFunc(set.Records, want, maps.Equal) {
				t.Errorf("Read(%s) = %v, %v, want %v", content, set, err, want)
			}
		})
	}
}

func TestMapErrors(t *testing.T) {
	t.Parallel()
	const noName, aliases = "has no host name; write null to delete the record", "aliases (*name) and merge keys (<<) are not supported"
	wantErrors(t, map[string][]string{
		"":                                  {"f: contains no records"},
		"{}":                                {"f: contains no records"},
		"# only a comment\n":                {"f: contains no records"},
		`{"records":[]}`:                    {"f: contains no records"},
		"- 192.0.2.1\n":                     {"f, line 1, column 1: not a map of IP addresses to host names; write one line"},
		"[]":                                {"f, line 1, column 1: not a map"},
		"mail.example.com\n":                {"f, line 1, column 1: not a map"},
		"192.0.2.1: a.example\n---\nb: c\n": {"f: more than one YAML document; split the file"},
		"{\"192.0.2.1\": \"a.b\"}\n{}":      {"f, line 1, column 21: not valid JSON: more than one JSON value"},
		"{\"192.0.2.1\": \"a.b\",\n\"":      {"f, line 2, column"},
		`{"192.0.2.1": "\ud83d."}`:          {"f, line 1, column 16: not valid JSON: invalid surrogate pair"},
		"192.0.2.1: a.b\n\t- x: [\n":        {"f, line 2, column"},
		"192.0.2.300: a.b\n":                {"f, line 1, column 1: 192.0.2.300: not an IP address"},
		"fe80::1%eth0: a.b\n":               {"line 1, column 1: fe80::1%eth0: has a zone"},
		"224.0.0.1: a.b\n":                  {"line 1, column 1: 224.0.0.1: is a multicast address"},
		"192.0.2.1: a_b.example\n":          {"line 1, column 1: 192.0.2.1: a_b.example: has an underscore"},
		"{\n  \"192.0.2.300\": \"a.b\"}":    {"line 2, column 3: 192.0.2.300: not an IP address"},
		"192.0.2.1: mail\n":                 {"line 1, column 1: 192.0.2.1: mail: is incomplete; use mail.example.com, or mail. if it really has one label"},
		"192.0.2.1: ''\n192.0.2.2: true\n":  {"line 1, column 12: 192.0.2.1: not a host name string", "line 2, column 12: 192.0.2.2: true: not a host name string"},
		`{"192.0.2.1":1,"192.0.2.2":""}`:    {"line 1, column 14: 192.0.2.1: 1: not a host name string", "line 1, column 28: 192.0.2.2: not a host name string"},
		"192.0.2.1: [a.b, c.d]\n":           {"line 1, column 12: 192.0.2.1: not a host name; an address has one PTR record"},
		"kvm_1: {192.0.2.1: {a: b}}\n":      {"line 1, column 20: 192.0.2.1: not a host name; an address has one PTR record"},
		"kvm_1: null\n192.0.2.1: a.b\n":     {"line 1, column 1: kvm_1: not an IP address"},
		"kvm_id: x\n192.0.2.1: a.b\n":       {"line 1, column 1: kvm_id: not an IP address"},
		"\"kvm\\e1\": {192.0.2.1: a.b}\n":   {"line 1, column 1: kvm 1: not a KVM ID: has characters that are not printable"},

		"192.0.2.1: a.b\n192.0.2.1: c.d\n":           {"line 2, column 1: 192.0.2.1: c.d: duplicate address: a.b in f, line 1, column 1; keep one of them"},
		"192.0.2.1: a.b\n::ffff:192.0.2.1: null\n":   {"line 2, column 1: 192.0.2.1: no record: duplicate address: a.b in f, line 1"},
		`{"192.0.2.1": null, "192.0.2.1": "a.b"}`:    {"line 1, column 21: 192.0.2.1: a.b: duplicate address: no record in f, line 1, column 2"},
		"192.0.2.1: a.b\nkvm_1: {192.0.2.1: c.d}\n":  {"line 2, column 9: 192.0.2.1: c.d: duplicate address"},
		"a: {192.0.2.1: a.b}\nb: {192.0.2.1: a.b}\n": {"line 2, column 5: 192.0.2.1: b: duplicate address: under a in f, line 1, column 5; it belongs to only one server"},

		// A file that was cut off after an address does not delete its record.
		"192.0.2.1: a.example\n192.0.2.2:": {"line 2, column 1: 192.0.2.2: " + noName},
		"192.0.2.2: # mail.example.com\n":  {"line 1, column 1: 192.0.2.2: " + noName},
		"192.0.2.2: !!null x\n":            {"192.0.2.2: " + noName},
		"192.0.2.2: !!null\n":              {"192.0.2.2: " + noName},
		"kvm_1:\n  192.0.2.2:\n":           {"line 2, column 3: 192.0.2.2: " + noName},
		"{192.0.2.2: }":                    {"192.0.2.2: " + noName},
		"\n{192.0.2.2}":                    {"line 2, column"},

		"192.0.2.1: &a a.example\n192.0.2.2: *a\n":            {"line 2, column 12: 192.0.2.2: " + aliases},
		"&a 192.0.2.1: a.example\n*a : b.example\n":           {"line 2, column 1: " + aliases},
		"kvm_1: &a {192.0.2.1: a.example}\nkvm_2: *a\n":       {"line 2, column 8: kvm_2: " + aliases},
		"<<: {192.0.2.1: a.example}\n":                        {"line 1, column 1: " + aliases},
		"kvm_1: &a {192.0.2.1: a.example}\nkvm_2: {<<: *a}\n": {"line 2, column 9: " + aliases},
		"? [192.0.2.1]\n: {192.0.2.2: a.example}\n":           {"line 1, column 3: no IP address or KVM ID before the colon"},
		"'': {192.0.2.2: a.example}\n":                        {"line 1, column 1: no IP address or KVM ID"},

		// The response of the API itself is not what get prints: an absent name deletes nothing.
		`{"status":"success","records":[{"ip":"192.0.2.10","ptr_record":"a.b"}]}`: {"line 1, column 32: 192.0.2.10: has no name, and its state is not absent"},
		`{"records":[{"ip":"192.0.2.10","name":"","state":"unknown"}]}`:           {"192.0.2.10: has no name"},
		`{"records":[{"name":"a.b"}]}`:                                            {"line 1, column 13: not an IP address"},
		`{"records":["192.0.2.1"]}`:                                               {"line 1, column 13: 192.0.2.1: not an object"},
		`{"servers":[{"kvm_id":"a","plan":[]}],"applied":0}`:                      {"line 1, column 27: is what apply prints"},
		`{"servers":[{"kvm_id":"a","records":[],"error":"x"}]}`:                   {"f: contains no records"},
	})
}

// JSON has surrogate pairs, which YAML has not. What is wrong then is the name, if anything.
func TestJSONSurrogates(t *testing.T) {
	t.Parallel()
	const content = `{"192.0.2.10": "mail.example.com", "192.0.2.11": "\ud83d\ude00.example"}`
	_, err := read(content, Options{})
	if err == nil {
		t.Fatalf("Read(%s) succeeds, want an error about the second name", content)
	}
	if text := err.Error(); !strings.Contains(text, "192.0.2.11: \U0001F600.example: ") || strings.Contains(text, "\n") {
		t.Errorf("Read(%s) = %v, want an error about the second name only", content, err)
	}
}

// A record of a list that could not be read is not mistaken for all of a server.
func TestFailedListIsNoted(t *testing.T) {
	t.Parallel()
	set, err := read(`{"servers":[{"kvm_id":"kvm_1","records":[],"error":"timeout"},{"kvm_id":"kvm_2","records":[]}]}`, Options{})
	if err != nil || len(set.Records) != 1 || len(set.Notes) != 1 || !strings.HasSuffix(set.Notes[0], "skipped, because it could not be listed when the file was written: kvm_1 (f, line 1, column 13)") {
		t.Errorf("Read = %v, %v, want kvm_2 and a note about kvm_1", set, err)
	}
}

func TestUnderscore(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"192.0.2.1: a_b.example\n", `{"192.0.2.1":"a_b.example"}`, origin4 + "1 PTR a_b.example.\n", `{"records":[{"ip":"192.0.2.1","name":"a_b.example"}]}`} {
		if set, err := read(content, Options{AllowUnderscore: true}); err != nil || set.Records[""][netip.MustParseAddr("192.0.2.1")] != "a_b.example" {
			t.Errorf("Read(%q) with underscores = %v, %v, want a_b.example", content, set, err)
		}
	}
}

// Time is linear in the number of keys of an object, even of one that is not a record.
func TestManyKeys(t *testing.T) {
	t.Parallel()
	var keys, lines strings.Builder
	for i := range 80_000 {
		fmt.Fprintf(&keys, `"%d":1,`, i)
		fmt.Fprintf(&lines, "  %d: 1\n", i)
	}
	members := strings.TrimSuffix(keys.String(), ",")
	for name, content := range map[string]string{
		"JSON record":  `{"records":[{` + members + `}]}`,
		"JSON server":  `{"servers":[{` + members + `}]}`,
		"JSON map":     `{` + members + `}`,
		"YAML braces":  `{records: [{` + strings.ReplaceAll(members, ":", ": ") + `}]}`,
		"YAML records": "records:\n-\n" + lines.String(),
		"YAML map":     "kvm_1:\n" + lines.String(),
	} {
		start := time.Now()
		if _, err := read(content, Options{}); err == nil {
			t.Errorf("Read of 80000 keys in a %s = no error, want one", name)
		}
		if took := time.Since(start); took > 10*time.Second { // 47 s if it is quadratic, else below 1 s
			t.Errorf("Read of 80000 keys in a %s took %s, want less than 10 s", name, took)
		}
	}
}

// Braces take no more memory than lines: the parser does not keep all their tokens. The test
// is not parallel, because it measures what the process allocates.
func TestBracesTakeAsMuchMemoryAsLines(t *testing.T) {
	var lines, members strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&lines, "10.0.%d.%d: h%d.example\n", i>>8, i&255, i)
		fmt.Fprintf(&members, "10.0.%d.%d: h%d.example,\n ", i>>8, i&255, i)
	}
	measure := func(content string) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if set, err := read(content, Options{}); err != nil || len(set.Records[""]) != 20_000 {
			t.Errorf("Read(%.20q) = %v, want 20000 records", content, err)
		}
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	ofLines, ofBraces := measure(lines.String()), measure("# comment\n {"+members.String()+"}")
	if ofBraces > 2*ofLines {
		t.Errorf("braces allocate %d bytes, lines %d, want at most twice as much", ofBraces, ofLines)
	}
}

// Only the first errors of a file are reported.
func TestErrorsAreLimited(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"192.0.2.300: a.b\n", "x: y\n", "192.0.2.1.in-addr.arpa. PTR 192.0.2.1.\n"} {
		_, err := read(strings.Repeat(line, maxErrors), Options{})
		lines := strings.Split(err.Error(), "\n")
		if len(lines) != maxErrors+1 || lines[maxErrors] != "f: has 100 errors or more; the rest was not read" {
			t.Errorf("Read of %d bad lines = %d errors, the last one %q, want %d and that there may be more", maxErrors, len(lines), lines[len(lines)-1], maxErrors+1)
		}
	}
}
