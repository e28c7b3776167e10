package recordfile

import (
	"maps"
	"strings"
	"testing"
	"unicode"

	"github.com/edisptr/edis-go/pkg/internal/canonical"
)

// checkRead checks that the records of a file are as they are sent, that they survive being
// written, and that errors and notes are printable.
func checkRead(t *testing.T, content string) {
	t.Helper()
	set, err := read(content, Options{AllowUnderscore: true, Origin: "2.0.192.in-addr.arpa"})
	text := ""
	if err != nil {
		text = err.Error()
		set = &Set{}
	}
	text += strings.Join(set.Notes, "\n")
	if strings.ContainsFunc(text, func(char rune) bool { return char != '\n' && !unicode.IsPrint(char) }) {
		t.Errorf("Read(%q) prints %q, want printable text", content, text)
	}
	for _, ptrs := range set.Records {
		for address, name := range ptrs {
			if valid, err := canonical.Address(address); err != nil || valid != address {
				t.Errorf("Read(%q) = address %v, want a canonical one", content, address)
			}
			if valid, err := canonical.Name(name, true); name != "" && (err != nil || valid != name) {
				t.Errorf("Read(%q) = name %q of %v, want a canonical one", content, name, address)
			}
		}
	}
	if err == nil {
		checkRoundTrip(t, set)
	}
}

func checkRoundTrip(t *testing.T, set *Set) {
	t.Helper()
	var written strings.Builder
	if err := WriteYAML(&written, set.Records); err != nil {
		t.Fatal(err)
	}
	again, err := read(written.String(), Options{AllowUnderscore: true})
	if err != nil && len(set.Records) > 0 || err == nil && !maps.EqualFunc(again.Records, set.Records, maps.Equal) {
		t.Errorf("Read(%q) = %v, %v, want %v again", written.String(), again, err, set.Records)
	}
}

func FuzzZone(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(newRandomZone(seed).text.String())
	}
	for _, seed := range []string{parentZone + childZone, "$INCLUDE /etc/passwd\n1 PTR a.\n", "$GENERATE 1-3 $ PTR h${0,3,n}$.example.\n", "1 ( PTR \"\n", "1 WALLET x\n* PTR a.\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content string) { checkRead(t, ";\n"+content) })
}

func FuzzYAML(f *testing.F) {
	for _, seed := range []string{
		"192.0.2.1: a.example\n\"2001:db8::1\": null\n", "kvm_1:\n  192.0.2.1: a.example\n", "kvm_1: {192.0.2.1: ~}\nkvm_2: {}\n", "%YAML 1.2\n---\n192.0.2.1: !!str a.example\n",
		"&a [*a]", "192.0.2.1: &x a.b\n192.0.2.2: *x\n", "'10':\n  type: PTR\n", "servers:\n- {kvm_id: a, records: [{ip: 192.0.2.1, name: b}]}\n", "{192.0.2.1: a.b,\n192.0.2.1: a.b}", "? a\n: b\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content string) { checkRead(t, content) })
}

func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		`"192.0.2.1":"a.example","192.0.2.2":null`, `"kvm_1":{"192.0.2.1":"a.example"},"kvm_2":{}`, `"records":[{"ip":"192.0.2.1","name":"a","state":"set"}],"kvm_id":"kvm_1"`,
		`"servers":[{"kvm_id":"a","records":[{"ip":"192.0.2.1","state":"absent"}]},{"kvm_id":"b","records":[],"error":"c"}]`, `"192.0.2.1":"\ud83d\ude00.example"`, `"10":[{"type":"PTR"}]`, `"192.0.2.1":"a.b",`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content string) { checkRead(t, "{"+content+"}") })
}
