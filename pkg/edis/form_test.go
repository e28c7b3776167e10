package edis

import (
	"encoding/json"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/edisptr/edis-go/gen"
)

// FuzzForm compares the form of any model with what encoding/json and net/url read
// from it. No text adds a field, a record or an address.
func FuzzForm(f *testing.F) {
	f.Add("192.0.2.10", "mail.example.com", "2001:db8::10", "kvm_1", "a+b&c=d%", "12345.edis.example")
	f.Add("", "", "\"\\\n", "\x00é", "&ip={}", "</script>\u2028")
	f.Add("a", "a", "b", "\U0001F511", " ", "~-._")
	f.Fuzz(func(t *testing.T, ip1, name1, ip2, kvmID, signature, apiHost string) {
		if !utf8.ValidString(ip1 + name1 + ip2) {
			t.Skip("canonical input is valid UTF-8")
		}
		set := gen.SetPTRForm{APIHost: apiHost, IP: map[string]string{ip1: name1, ip2: "b.example"}, KVMID: kvmID, Signature: signature}
		form := parseForm(t, set)
		var object map[string]string
		if err := json.Unmarshal([]byte(form.Get("ip")), &object); err != nil || !maps.Equal(object, set.IP) {
			t.Errorf("ip = %s, %v, want %v", form.Get("ip"), err, set.IP)
		}
		list := gen.AddressListForm{APIHost: apiHost, IP: []string{ip1, ip2}, KVMID: kvmID, Signature: signature}
		form = parseForm(t, list)
		var addresses []string
		if err := json.Unmarshal([]byte(form.Get("ip")), &addresses); err != nil || !slices.Equal(addresses, list.IP) {
			t.Errorf("ip = %s, %v, want %v", form.Get("ip"), err, list.IP)
		}
		want := url.Values{"ip": form["ip"], "kvm_id": {kvmID}, "signature": {signature}, "valid_until": {""}}
		if apiHost != "" {
			want.Set("api_host", apiHost)
		}
		if form.Encode() != want.Encode() {
			t.Errorf("encodeForm(%+v) = %v, want %v", list, form, want)
		}
	})
}

func parseForm(t *testing.T, model any) url.Values {
	t.Helper()
	encoded, err := encodeForm(model)
	if err != nil {
		t.Fatal(err)
	}
	form, err := url.ParseQuery(string(encoded))
	if err != nil {
		t.Fatalf("encodeForm(%+v) = %s: %v", model, encoded, err)
	}
	return form
}

// For what SetPTR sends, the bytes are those of encoding/json and net/url, in their
// order: a proxy or a log shows what people expect.
func TestFormBytes(t *testing.T) {
	t.Parallel()
	ptrs := make(map[netip.Addr]string)
	for i := range 300 {
		for _, address := range []netip.Addr{
			netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}),
			netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 7: byte(i >> 8), 15: byte(i)}),
		} {
			ptrs[address] = "a-b.example"
		}
	}
	s := Session{KVMID: "kvm_1", Signature: "a+b&c=d% é\"", APIHost: "h.example", ValidUntil: time.Unix(1737476000, 0)}
	got, err := EncodePTRs(s, ptrs)
	if err != nil {
		t.Fatal(err)
	}
	if want, err := PlainForm(s, ptrs); err != nil || string(got) != want {
		t.Errorf("EncodePTRs = %s, want %s, %v", got, want, err)
	}
}

// A field of any other type is JSON text too; one that has none is an error.
func TestFormOfOtherTypes(t *testing.T) {
	t.Parallel()
	form := parseForm(t, struct {
		Number int            `json:"number"`
		Nested map[string]int `json:"nested,omitempty"`
		None   []string       `json:"none,omitempty"`
	}{5, map[string]int{"a": 1}, nil})
	if want := (url.Values{"number": {"5"}, "nested": {`{"a":1}`}}); form.Encode() != want.Encode() {
		t.Errorf("encodeForm = %v, want %v", form, want)
	}
	if form, err := encodeForm(struct{ C chan int }{make(chan int)}); err == nil {
		t.Errorf("encodeForm of a channel = %s, want an error", form)
	}
}
