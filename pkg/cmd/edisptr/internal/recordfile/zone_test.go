package recordfile

import (
	"maps"
	"strings"
	"testing"
)

const (
	origin4 = "$ORIGIN 2.0.192.in-addr.arpa.\n"
	origin6 = "$ORIGIN 8.b.d.0.1.0.0.2.ip6.arpa.\n"
	host6   = "0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0"
)

func TestZoneShapes(t *testing.T) {
	t.Parallel()
	one := flat{"192.0.2.10": "mail.example.com"}
	for name, content := range map[string]string{
		"ttl and class":                origin4 + "10 60 IN PTR mail.example.com.\n",
		"class and ttl":                origin4 + "10 IN 1h30m PTR mail.example.com.\n",
		"neither":                      origin4 + "10 PTR mail.example.com.\n",
		"lower case":                   "$origin 2.0.192.in-addr.arpa.\n10 in ptr MAIL.example.com.\n",
		"full owner":                   "10.2.0.192.IN-ADDR.ARPA. IN PTR mail.example.com.\n",
		"no line end":                  origin4 + "10 PTR mail.example.com.",
		"carriage returns":             "$ORIGIN 2.0.192.in-addr.arpa.\r\n10 PTR mail.example.com.\r\n",
		"byte order mark":              "\ufeff" + origin4 + "10 PTR mail.example.com.\n",
		"origin of another origin":     "$ORIGIN 0.192.in-addr.arpa.\n$ORIGIN 2\n10 PTR mail.example.com.\n",
		"origin of the root":           "$ORIGIN .\n10.2.0.192.in-addr.arpa PTR mail.example.com\n",
		"name relative to an origin":   "$ORIGIN example.com.\n10.2.0.192.in-addr.arpa. PTR mail\n",
		"origin as owner":              "$ORIGIN 10.2.0.192.in-addr.arpa.\n@ PTR mail.example.com.\n",
		"escaped digits":               origin4 + "\\0490 PTR m\\097il.example.com.\n",
		"generic class":                origin4 + "10 CLASS1 PTR mail.example.com.\n",
		"generic type and data":        origin4 + "10 TYPE12 \\# 18 046d61696c076578616d706c6503636f6d00\n",
		"parentheses around a name":    origin4 + "10 PTR(mail.example.com.)\n",
		"parentheses over lines":       origin4 + "10 (\n IN ; (\n\n PTR\nmail.example.com. ) ; )\n",
		"parentheses around a record":  origin4 + "( 10 PTR mail.example.com. )\n",
		"line ends in parentheses":     origin4 + "@ SOA ns.example.com. root.example.com. (\n2024010101\n7200\n3600\n1209600\n3600\n)\n10 PTR mail.example.com.\n",
		"quotation mark in a comment":  origin4 + "; don't \"\n10 PTR mail.example.com. ; \" (\n",
		"special characters in quotes": origin4 + "@ TXT \"; ( \\\" \\\\\" \"(\"\n10 PTR mail.example.com.\n",
		"escaped special characters":   origin4 + "@ TXT a\\;b\\(c\\\"d\n10 PTR mail.example.com.\n",
		"owner of another type":        origin4 + "10 TXT \"x\"\n\t60 IN PTR mail.example.com.\n",
		"owner before an origin":       origin4 + "10 TXT x\n$ORIGIN example.com.\n PTR mail\n",
		"owner before $GENERATE":       origin4 + "10 TXT x\n$GENERATE 1-2 $ TXT x\n PTR mail.example.com.\n",
		"identical twice":              origin4 + "10 PTR mail.example.com.\n10 60 IN PTR MAIL.example.com.\n",
		"broken records of others":     origin4 + "@ SOA ns root\n@ NS\n@ MX x y\n10 PTR mail.example.com.\n",
		"indented directives":          " $ORIGIN 2.0.192.in-addr.arpa.\n\t$TTL 1h\n10 PTR mail.example.com.\n",
		"transfer by dig":              "\n; <<>> DiG 9 <<>> axfr\n;; global options: +cmd\n2.0.192.in-addr.arpa. 60 IN SOA a. b. 1 2 3 4 5\n10.2.0.192.in-addr.arpa. 60 IN PTR mail.example.com.\n2.0.192.in-addr.arpa. 60 IN SOA a. b. 1 2 3 4 5\n;; Query time: 1 msec\n",
		"comments that are not UTF-8":  origin4 + "; M\xfcller\n10 PTR mail.example.com.\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantRecords(t, content, one)
		})
	}
	wantRecords(t, origin6+host6+" PTR mail.example.com.\n"+strings.ToUpper("f"+host6[1:])+" PTR a.example.\n", flat{"2001:db8::10": "mail.example.com", "2001:db8::1f": "a.example"})
	wantRecords(t, origin4+"10 PTR localhost.\n", flat{"192.0.2.10": "localhost"}) // a dot says that one label is the name
}

func TestZoneErrors(t *testing.T) {
	t.Parallel()
	wantErrors(t, map[string][]string{
		origin4 + "10 PTR\n":                                          {"f, line 2: 10.2.0.192.in-addr.arpa.: record has no host name"},
		origin4 + "10 PTR .\n":                                        {"line 2: 192.0.2.10: .: is empty"},
		origin4 + "10 PTR a_b.example.\n":                             {"line 2: 192.0.2.10: a_b.example.: has an underscore"},
		origin4 + "10 PTR a\\.b.example.\n":                           {"line 2: 192.0.2.10"},
		origin4 + "10 PTR \"a.example.\"\n":                           {"line 2: 10.2.0.192.in-addr.arpa.: PTR \"a.example.\": quotation marks"},
		origin4 + "10 PTR a. b.\n":                                    {"line 2: 10.2.0.192.in-addr.arpa.: PTR a. b.: not valid in a zone file: garbage"},
		origin4 + "10 1x IN PTR a.example.\n":                         {"line 2: 10.2.0.192.in-addr.arpa.: 1x IN PTR a.example.: not valid in a zone file: not a TTL"},
		origin4 + "10 IN mail.example.com.\n":                         {"line 2: 10.2.0.192.in-addr.arpa.: mail.example.com.: not a record type; use PTR"},
		origin4 + "10 [AGE:3630120] 900 PTR a.example.\n":             {"line 2: 10.2.0.192.in-addr.arpa.: [AGE:3630120]: not a record type; use PTR"},
		origin4 + "$ORIGIN 2.0.192.in-addr.arpa\n10 PTR a.example.\n": {"line 3: 10.2.0.192.in-addr.arpa.2.0.192.in-addr.arpa.: reverse name below a reverse zone; is the trailing dot of the owner or of $ORIGIN missing?"},
		origin4 + "10 3600 IN 6 a. b. 1 2 3 4 5\n":                    {"line 2: 10.2.0.192.in-addr.arpa.: 6: not a record type; use PTR"},
		origin4 + "10 3600 IN 12 a.example.\n":                        {"line 2: 10.2.0.192.in-addr.arpa.: 12: not a record type; use PTR"},
		origin4 + "10 IN PRT a.example.\n":                            {"line 2: 10.2.0.192.in-addr.arpa.: PRT: not a record type; use PTR"},
		origin4 + "10 IN\n":                                           {"line 2: 10.2.0.192.in-addr.arpa.: record without a type"},
		origin4 + " PTR a.example.\n":                                 {"line 2: PTR: record without an owner"},
		origin4 + "# 10 PTR a.example.\n":                             {"line 2: #.2.0.192.in-addr.arpa.: comments of zone files begin with a semicolon"},
		origin4 + "127.0.0.1.in-addr PTR a.\n":                        {"line 2: 127.0.0.1.in-addr.2.0.192.in-addr.arpa."},
		"$ORIGIN 0.0.127.in-addr.arpa.\n1 PTR localhost.\n":           {"line 2: 127.0.0.1: is a loopback address"},
		origin4 + "192.0.2.10 PTR a.example.\n":                       {"line 2: 192.0.2.10.2.0.192.in-addr.arpa.: the owner is an IP address"},
		"192.0.2.10 IN PTR a.example.\n":                              {"line 1: 192.0.2.10: relative name"},
		origin4 + "10.2.0.192.in-addr.arpa PTR a.example.\n":          {"line 2: 10.2.0.192.in-addr.arpa.2.0.192.in-addr.arpa.: reverse name below a reverse zone; is the trailing dot"},
		origin4 + "10 PTR mail.example.com\n":                         {"line 2: 10.2.0.192.in-addr.arpa.: mail.example.com.2.0.192.in-addr.arpa.: host name in a reverse zone; is its trailing dot missing?"},
		origin6 + host6 + " PTR mail.example.com\n":                   {"line 2: " + host6 + ".8.b.d.0.1.0.0.2.ip6.arpa.: mail.example.com.8.b.d.0.1.0.0.2.ip6.arpa.: host name in a reverse zone"},
		origin4 + "@ TXT \"a\n10 PTR a.example.\n@ TXT b\"\n":         {"line 2: quotation mark without a second one in its line"},
		origin4 + "@ TXT \"a":                                         {"line 2: quotation mark without a second one in its line"},
		origin4 + "@ SOA a. b. (\n1 2\n10 PTR a.example.\n":           {"line 2: opening parenthesis without a closing one"},
		origin4 + "10 PTR a.example. )\n":                             {"line 2: closing parenthesis without an opening one"},
		"$TTL x\n10.2.0.192.in-addr.arpa. PTR a.example.\n":           {"line 1: $TTL x: not valid in a zone file: expecting $TTL value"},
		"$ORIGIN a..b.\n10.2.0.192.in-addr.arpa. PTR a.b.\n":          {"line 1: a..b.: not a domain name"},
		"$ORIGIN\n10.2.0.192.in-addr.arpa. PTR a.example.\n":          {"line 1: $ORIGIN: not a directive"},
		"$FOO x\n10.2.0.192.in-addr.arpa. PTR a.example.\n":           {"line 1: $FOO x: not a directive of zone files"},
		origin4 + "10 CNAME a.example.\n10 CNAME b.example.\n":        {"line 3: 10.2.0.192.in-addr.arpa.: b.example.: differs from a.example. in f, line 2"},
		origin4 + "@ NS a.\n":                                         {"f: contains no records"},
		origin4 + "1 PTR a_b.example.\n2 PTR .\n":                     {"line 2: 192.0.2.1", "line 3: 192.0.2.2"},
		origin4 + "210 IN PTR api.example.com.\n  IN PTR api-int.example.com.\n211 IN PTR a.example.com.\n": {
			"f, line 3: 192.0.2.210: api-int.example.com: duplicate address: api.example.com in f, line 2; keep one of them"},
	})
}

// Files are not included: their names come from whoever wrote the zone.
func TestZoneIncludesNoFile(t *testing.T) {
	t.Parallel()
	for _, before := range []string{"", "$TTL 60\n", "2.2.0.192.in-addr.arpa. IN PTR a.example.\n"} {
		for _, directive := range []string{"$INCLUDE zone_test.go\n", "$include zone_test.go example.com.\n"} {
			wantErrors(t, map[string][]string{before + directive: {"zone_test.go"}})
			if _, err := read(before+directive, Options{}); !strings.Contains(err.Error(), "other files are not included; give them as further files") {
				t.Errorf("Read(%q) = %v, want what to do", before+directive, err)
			}
		}
	}
}

// A relative name without an origin is reported once, with the name of the zone if the file
// tells it, and can be mended by an option.
func TestZoneWithoutOrigin(t *testing.T) {
	t.Parallel()
	const records = "  IN NS ns.example.com.\n1 IN PTR gw.example.com.\n2 IN PTR b.example.com.\n"
	const content = "$TTL 86400\n2.0.192.in-addr.arpa. IN SOA ns.example.com. root.example.com. ( 1 1D 2H 1W 2D )\n" + records
	wantErrors(t, map[string][]string{
		content:                                         {"f, line 4: 1: relative name, but no $ORIGIN before it; give the name of the zone with --origin (probably 2.0.192.in-addr.arpa.)"},
		"@ IN SOA a. b. 1 2 3 4 5\n" + records:          {"line 3: 1: relative name, but no $ORIGIN before it; give the name of the zone with --origin (such as 2.0.192.in-addr.arpa.)"},
		"10.2.0.192.in-addr.arpa. PTR mail\n":           {"line 1: mail: relative name"},
		"$ORIGIN 2\n1 PTR a.example.\n":                 {"line 1: 2: relative name"},
		"$GENERATE 1-9 $ PTR h$.example.\n":             {"line 1: 1: relative name"},
		"@ PTR a.example.\n" + origin4 + "1 PTR a.b.\n": {"line 1: @: relative name"},
	})
	for _, origin := range []string{"2.0.192.in-addr.arpa", "2.0.192.IN-ADDR.ARPA."} {
		set, err := read(content, Options{Origin: origin})
		want := flat{"192.0.2.1": "gw.example.com", "192.0.2.2": "b.example.com"}.records()
		if err != nil || !maps.Equal(set.Records[""], want) {
			t.Errorf("Read with origin %s = %v, %v, want %v", origin, set, err, want)
		}
	}
	if _, err := read(content, Options{Origin: "a..b"}); err == nil || !strings.Contains(err.Error(), "a..b.: not a domain name") {
		t.Errorf("Read with origin a..b = %v, want that it is not a domain name", err)
	}
	wantErrors(t, map[string][]string{ // the origin that comes later is not that of the owner
		"1 TXT x\n" + origin4 + " PTR a.example.\n":                         {"line 3: 1: relative name"},
		"@ SOA a. b. 1 2 3 4 5\n" + origin4 + " PTR a.example.\n1 PTR a.\n": {"line 3: @: relative name"},
	})
	wantRecords(t, "@ IN SOA a. b. 1 2 3 4 5\n IN NS ns\n"+origin4+"1 PTR a.example.\n", flat{"192.0.2.1": "a.example"})
}

// What is skipped is counted and named, one kind in one line.
func TestZoneNotes(t *testing.T) {
	t.Parallel()
	const record = "1 PTR a.example.\n"
	for content, want := range map[string]string{
		"lb._dns-sd._udp PTR b.example.\n* PTR c.example.\n": "2 PTR records skipped, not of an address: lb._dns-sd._udp.2.0.192.in-addr.arpa. (f, line 3), *.2.0.192.in-addr.arpa. (f, line 4)",
		"007 PTR b.example.\n":                               "1 PTR record skipped, not of an address: 007.2.0.192.in-addr.arpa. (f, line 3)",
		"256 PTR b.example.\n":                               "1 PTR record skipped, not of an address: 256.2.0.192.in-addr.arpa. (f, line 3)",
		"2 CH PTR b.example.\n3 CLASS3 PTR b.example.\n":     "2 PTR records skipped, not of the Internet class: 2.2.0.192.in-addr.arpa. (f, line 3), 3.2.0.192.in-addr.arpa. (f, line 4)",
		"2 WALLET \"x\"\n$GENERATE 3-9 $ LUA x\n":            "2 records skipped, of an unknown type: 2.2.0.192.in-addr.arpa. WALLET (f, line 3), $ LUA (f, line 4)",
		"2 CNAME b.example.\n":                               "1 CNAME record skipped, of an alias whose PTR record is in no file: 192.0.2.2 (f, line 3)",
		"$GENERATE 2-13 x$ PTR b.example.\n":                 "x11.2.0.192.in-addr.arpa. (f, line 3) and 2 more",
	} {
		set, err := read(origin4+record+content, Options{})
		if err != nil || len(set.Records[""]) != 1 || len(set.Notes) != 1 || !strings.HasSuffix(set.Notes[0], want) {
			t.Errorf("Read(%q) = %v, %v, want one record and note %q", content, set, err, want)
		}
	}
	wantRecords(t, origin4+record+"@ SOA a. b. 1 2 3 4 5\n NS a.\n2 A 192.0.2.1\n2 TYPE65400 \\# 1 00\n2 NSEC 3 PTR\n$DATE 20261128000000\n$GENERATE 3-4 $ A 192.0.2.$\n", flat{"192.0.2.1": "a.example"})
	wantErrors(t, map[string][]string{
		"$ORIGIN 0.192.in-addr.arpa.\n10 PTR a.example.\n11 PTR b.example.\n": {"f, line 2: 10.0.192.in-addr.arpa.: not the reverse name of an address, like all others in the file; check $ORIGIN"},
		"$ORIGIN example.com.\n10 PTR a.example.\n":                           {"f, line 2: 10.example.com.: not the reverse name of an address"},
	})
}
