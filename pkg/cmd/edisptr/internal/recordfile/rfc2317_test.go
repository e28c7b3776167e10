package recordfile

import (
	"context"
	"maps"
	"strings"
	"testing"
)

const (
	parentZone = origin4 + "@ SOA a. b. 1 2 3 4 5\n0/26 NS ns1.example.com.\n$GENERATE 1-62 $ CNAME $.0/26\n"
	childZone  = "$ORIGIN 0/26.2.0.192.in-addr.arpa.\n@ SOA a. b. 1 2 3 4 5\n10 PTR mail.example.com.\n"
)

// The CNAME records of the parent zone tell the addresses of a child zone, whatever its
// names are and whichever file comes first.
func TestParentZoneTellsAddresses(t *testing.T) {
	t.Parallel()
	wantRecords(t, origin4+"0/26 NS ns1.example.com.\n$GENERATE 1-62 $ CNAME $.0/26\n$ORIGIN 0/26.2.0.192.in-addr.arpa.\n10 PTR mail.example.com.\n", flat{"192.0.2.10": "mail.example.com"})
	wantRecords(t, origin4+"10 CNAME x.rev.example.com.\nx.rev.example.com. PTR a.example.\n", flat{"192.0.2.10": "a.example"})
	wantRecords(t, origin4+"10 CNAME a.example.\na.example. CNAME b.example.\nb.example. PTR a.example.\n", flat{"192.0.2.10": "a.example"})
	wantRecords(t, origin4+"10 CNAME a.example.\n11 CNAME a.example.\na.example. PTR a.example.\n", flat{"192.0.2.10": "a.example", "192.0.2.11": "a.example"})
	wantRecords(t, origin4+"10 CNAME a.b.\na.b. CNAME c.d.\nc.d. CNAME e.f.\ne.f. CNAME g.h.\ng.h. PTR a.example.\n", flat{"192.0.2.10": "a.example"})
	for _, sources := range [][]Source{
		{textSource("parent", parentZone), textSource("child", childZone)},
		{textSource("child", childZone), textSource("parent", parentZone)},
	} {
		set, err := Read(context.Background(), sources, Options{})
		if err != nil || !maps.Equal(set.Records[""], flat{"192.0.2.10": "mail.example.com"}.records()) || len(set.Notes) > 0 {
			t.Errorf("Read of parent and child = %v, %v, want 192.0.2.10 without notes", set, err)
		}
	}
	wantErrors(t, map[string][]string{
		origin4 + "10 CNAME a.b.\na.b. PTR a.example.\na.b. PTR b.example.\n": {"line 4: 192.0.2.10: b.example: duplicate address: a.example in f, line 3"},
		origin4 + "10 CNAME a.b.\na.b. CNAME 10\n11 PTR a_b.example.\n":       {"line 4: 192.0.2.11: a_b.example.: has an underscore"},
	})
	looping := origin4 + "10 CNAME a.b.\na.b. CNAME a.b.\n11 PTR a.example.\n"
	if set, err := read(looping, Options{}); err != nil || len(set.Records[""]) != 1 || len(set.Notes) != 1 {
		t.Errorf("Read of a CNAME loop = %v, %v, want one record and one note", set, err)
	}
}

// Without the parent zone, the name of a child zone tells the addresses if it has the form
// of RFC 2317 or a usual one, and a note says so.
func TestChildZoneTellsAddresses(t *testing.T) {
	t.Parallel()
	for label, octet := range map[string]string{
		"0/26": "10", "64/26": "127", "0-63": "63", "64-127": "64", "0-26": "63", "10-50": "50", "32-27": "33", "0-31": "31", "255-255": "255", "0/25": "127", "10/50": "11",
	} {
		content := "$ORIGIN " + label + ".2.0.192.in-addr.arpa.\n" + octet + " PTR a.example.\n"
		set, err := read(content, Options{})
		want := flat{"192.0.2." + octet: "a.example"}.records()
		if err != nil || !maps.Equal(set.Records[""], want) || len(set.Notes) != 1 || !strings.Contains(set.Notes[0], "read by the name of an RFC 2317 zone") {
			t.Errorf("Read(%q) = %v, %v, want %v and a note", content, set, err, want)
		}
	}
	for label, octet := range map[string]string{
		"0/26": "64", "64/26": "6", "0-63": "64", "64-127": "63", "1/26": "10", "0-31": "32", "customer": "10", "50-10": "20", "0/33x": "1", "300/26": "1", "0/256": "1", "1-32": "2",
	} {
		wantErrors(t, map[string][]string{
			"$ORIGIN " + label + ".2.0.192.in-addr.arpa.\n" + octet + " PTR a.example.\n": {octet + "." + label + ".2.0.192.in-addr.arpa.: name of an RFC 2317 zone that does not tell the address; give the file with the parent zone too"},
		})
	}
}

// What the parent zone does not name is not of an address, even if it looks like one.
func TestParentZoneIsRight(t *testing.T) {
	t.Parallel()
	set, err := read(origin4+"11 CNAME 10.0/26\n$ORIGIN 0/26.2.0.192.in-addr.arpa.\n10 PTR a.example.\n12 PTR b.example.\n", Options{})
	if err != nil || !maps.Equal(set.Records[""], flat{"192.0.2.11": "a.example"}.records()) || len(set.Notes) != 1 || !strings.Contains(set.Notes[0], "12.0/26.2.0.192.in-addr.arpa.") {
		t.Errorf("Read = %v, %v, want 192.0.2.11 and a note about 12", set, err)
	}
}
