package edis

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/edisptr/edis-go/gen"
)

// FuzzForm checks that net/url and encoding/json decode a form into the values of its
// model: no value can add a field, a record or an address.
func FuzzForm(f *testing.F) {
	f.Add("192.0.2.10", "mail.example.com", "2001:db8::10", "kvm_1", "a+b&c=d%", "12345.edis.example")
	f.Add("", "", "\"\\\n", "\x00é", "&ip={}", "</script>\u2028")
	f.Add("a", "a", "b", "\U0001F511", " ", "~-._")
	f.Fuzz(func(t *testing.T, ip1, name1, ip2, kvmID, signature, apiHost string) {
		if !utf8.ValidString(ip1) || !utf8.ValidString(name1) || !utf8.ValidString(ip2) {
			t.Skip("canonical input is valid UTF-8")
		}
		set := gen.SetPTRForm{APIHost: apiHost, IP: map[string]string{ip1: name1, ip2: "b.example"}, KVMID: kvmID, Signature: signature}
		form := parseForm(t, set)
		var object map[string]string
		if err := json.Unmarshal([]byte(form.Get("ip")), &object); err != nil || !maps.Equal(object, set.IP) {
			t.Errorf("encodeForm(%+v): ip = %s, %v, want %v", set, form.Get("ip"), err, set.IP)
		}
		list := gen.GetPTRForm{APIHost: apiHost, IP: []string{ip1, ip2}, KVMID: kvmID, Signature: signature}
		form = parseForm(t, list)
		var addresses []string
		if err := json.Unmarshal([]byte(form.Get("ip")), &addresses); err != nil || !slices.Equal(addresses, list.IP) {
			t.Errorf("encodeForm(%+v): ip = %s, %v, want %v", list, form.Get("ip"), err, list.IP)
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

// parseForm encodes a model and decodes the form.
func parseForm(t *testing.T, model any) url.Values {
	t.Helper()
	encoded := encodeForm(model)
	form, err := url.ParseQuery(string(encoded))
	if err != nil {
		t.Fatalf("encodeForm(%+v) = %s, which is not a form: %v", model, encoded, err)
	}
	return form
}

// Fields of other types are JSON too. A model with a field that cannot be JSON is a defect
// of the build.
func TestFormFieldTypes(t *testing.T) {
	t.Parallel()
	text := "a"
	form := parseForm(t, struct {
		Number  int            `json:"number"`
		Nested  map[string]int `json:"nested,omitempty"`
		None    []string       `json:"none,omitempty"`
		Pointer *string        `json:"pointer"`
	}{5, map[string]int{"a": 1}, nil, &text})
	if want := (url.Values{"number": {"5"}, "nested": {`{"a":1}`}, "pointer": {`"a"`}}); form.Encode() != want.Encode() {
		t.Errorf("encodeForm = %v, want %v", form, want)
	}
	defer func() {
		if recover() == nil {
			t.Error("encodeForm(channel) did not panic")
		}
	}()
	t.Errorf("encodeForm(channel) = %s, want a panic", encodeForm(struct{ C chan int }{make(chan int)}))
}
