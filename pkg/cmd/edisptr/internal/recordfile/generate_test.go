package recordfile

import (
	"fmt"
	"strings"
	"testing"
)

func TestGenerate(t *testing.T) {
	t.Parallel()
	for directive, want := range map[string]flat{
		"$GENERATE 1-2 $ PTR h$.example.":                     {"192.0.2.1": "h1.example", "192.0.2.2": "h2.example"},
		"$generate 1-5/2 $ 1h IN PTR h$.example. ; comment":   {"192.0.2.1": "h1.example", "192.0.2.3": "h3.example", "192.0.2.5": "h5.example"},
		"$GENERATE 1-2 ${9} PTR h${-1}.example.":              {"192.0.2.10": "h0.example", "192.0.2.11": "h1.example"},
		"$GENERATE 10-10 $ PTR h${0,4}.example.":              {"192.0.2.10": "h0010.example"},
		"$GENERATE 10-10 $ PTR h${0,3,d}-${0,3,o}.example.":   {"192.0.2.10": "h010-012.example"},
		"$GENERATE 10-10 $ PTR h${0,3,x}-${0,0,X}.example.":   {"192.0.2.10": "h00a-a.example"},
		"$GENERATE 171-171 $ PTR h${0,0,n}.${0,5,N}.example.": {"192.0.2.171": "hb.a.b.a.0.example"},
		"$GENERATE 1-1 $ PTR ${0,2,n}example.":                {"192.0.2.1": "1.example"},
		"$GENERATE 0-0 1$ PTR h${0,0,n}.example.":             {"192.0.2.10": "h0.example"},
	} {
		wantRecords(t, origin4+directive+"\n", want)
	}
	wantRecords(t, origin6+"$GENERATE 17-18 ${0,47,n} PTR h$.example.\n", flat{"2001:db8::11": "h17.example", "2001:db8::12": "h18.example"})
}

func TestGenerateErrors(t *testing.T) {
	t.Parallel()
	const form = "not an iterator; use ${OFFSET}"
	tests := make(map[string][]string)
	for directive, want := range map[string]string{
		"$GENERATE 5-1 $ PTR h$.example.":                 "5-1: not a range; use START-STOP",
		"$GENERATE 1 $ PTR h$.example.":                   "1: not a range",
		"$GENERATE 1-2/0 $ PTR h$.example.":               "1-2/0: not a range",
		"$GENERATE 1-2/ $ PTR h$.example.":                "1-2/: not a range",
		"$GENERATE 1-9999999999 $ PTR h$.example.":        "1-9999999999: not a range",
		"$GENERATE 0-65536 $ PTR h$.example.":             "0-65536: range of more than 65536 records; split it",
		"$GENERATE 1-2 $ PTR h${0,3.example.":             form,
		"$GENERATE 1-2 $ PTR h${}.example.":               form,
		"$GENERATE 1-2 $ PTR h${0,-3}.example.":           form,
		"$GENERATE 1-2 $ PTR h${0,256}.example.":          form,
		"$GENERATE 1-2 $ PTR h${0,3,b}.example.":          form,
		"$GENERATE 1-2 $ PTR h${0,3,}.example.":           form,
		"$GENERATE 1-2 $ PTR h${0,3,d,0}.example.":        form,
		"$GENERATE 1-2 ${5}-$ PTR h$.example.":            "$ after ${OFFSET} is not the same number for all name servers; use ${0}",
		"$GENERATE 1-2 ${-2} PTR h.example.":              "$GENERATE: 1: 1 with offset -2 is negative",
		"$GENERATE 1-2 $ PTR h$$.example.":                "192.0.2.1: h$.example.: has the character '$'",
		"$GENERATE 1-2 $ PTR h\\$.example.":               "192.0.2.1: h$.example.: has the character '$'",
		"$GENERATE 1-2 $ PRT h$.example.":                 "PRT: not a record type",
		"$GENERATE 1-2 $ IN":                              "record without a type",
		"$GENERATE 1-2 $":                                 "not a directive",
		"$GENERATE 1-2 $ PTR " + strings.Repeat("a", 999): "longer than 1000 bytes",
	} {
		tests[origin4+directive+"\n"] = []string{"line 2: "}
		if _, err := read(origin4+directive+"\n", Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Read(%q) = %v, want an error with %q", directive, err, want)
		}
	}
	wantErrors(t, tests)
}

// A small file that expands to many records fails with a message before they are expanded,
// or at the limit of a set.
func TestGenerateLimits(t *testing.T) {
	t.Parallel()
	for _, recordType := range []string{"PTR", "CNAME", "NS"} {
		c := newCollector(Options{})
		c.count = maxRecords - 10
		c.startFile("f")
		c.readContent([]byte("$ORIGIN x.\n" + strings.Repeat("$GENERATE 0-65535 h$ "+recordType+" a.\n", 1000)))
		const want = "f: more than 1000000 records in all; read them in several parts"
		kept := len(c.zones.pending) + len(c.zones.aliases) + len(c.zones.cuts)
		if _, err := c.set(); err == nil || err.Error() != want || kept != 10 {
			t.Errorf("reading $GENERATE of %s beyond the limit = %v after %d records, want %q after 10", recordType, err, kept, want)
		}
	}
}

// expandWithFmt formats a number without the code under test.
func expandWithFmt(number, width int, base byte) string {
	if base != 'n' && base != 'N' {
		return fmt.Sprintf(fmt.Sprintf("%%0%d%c", width, base), number)
	}
	hex := fmt.Sprintf("%0*x", (width+1)/2, number)
	if base == 'N' {
		hex = strings.ToUpper(hex)
	}
	var digits []string
	for i := len(hex) - 1; i >= 0; i-- {
		digits = append(digits, hex[i:i+1])
	}
	return strings.Join(digits, ".")
}
