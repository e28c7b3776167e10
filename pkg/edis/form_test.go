package edis

import (
	"encoding/json"
	"math/rand/v2"
	"net/netip"
	"net/url"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/edisptr/edis-go/gen"
	"github.com/edisptr/edis-go/pkg/internal/canonical"
	"github.com/edisptr/edis-go/pkg/internal/contract"
)

// plainForm is PlainForm of records.
func plainForm(t *testing.T, s Session, records canonical.Records) string {
	t.Helper()
	byAddress := make(map[string]string, len(records.List))
	for _, r := range records.List {
		byAddress[r.Address.String()] = r.Name
	}
	form, err := PlainForm(s, byAddress)
	if err != nil {
		t.Fatal(err)
	}
	return form
}

func FuzzPTRForm(f *testing.F) {
	f.Add([]byte{192, 0, 2, 10}, "mail.example.com", "2001:db8::10", "MAIL.example.com.", "kvm_1", "a+b&c=d%", "12345.edis.example", int64(1737476000))
	f.Add([]byte{}, "bücher.example", "::ffff:192.0.2.1", "a_b.example", "", "", "", int64(-1))
	f.Add(make([]byte, 16), "xn--bcher-kva.example", "64:ff9b::192.0.2.33", "0-0.x", "\x00é", "\"\\\n", "h", int64(1<<62))
	f.Fuzz(func(t *testing.T, raw []byte, name1, address2, name2, kvmID, signature, apiHost string, validUntil int64) {
		ptrs := make(map[netip.Addr]string)
		if address, ok := netip.AddrFromSlice(raw); ok {
			ptrs[address] = name1
		}
		if address, err := netip.ParseAddr(address2); err == nil {
			ptrs[address] = name2
		}
		records, bad := canonicalPTRs(ptrs, true)
		if len(bad) > 0 {
			t.Skip("refused before it is encoded")
		}
		s := Session{KVMID: kvmID, Signature: signature, APIHost: apiHost, ValidUntil: time.Unix(validUntil, 0)}
		got, want := string(ptrForm(s, records)), plainForm(t, s, records)
		if got != want {
			t.Errorf("ptrForm(%v, %v) = %s, want %s", s, ptrs, got, want)
		}
	})
}

// Many records, of IPv4 alone and of both families, stand in the order in which
// encoding/json puts them.
func TestOrderOfRecords(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(6, 6))
	ptrs := make(map[netip.Addr]string)
	for _, addressSize := range []int{4, 16} {
		for len(ptrs) < 250*addressSize {
			raw := make([]byte, addressSize)
			for i := range raw {
				raw[i] = byte(random.Uint32() >> random.IntN(32)) // many small ones
			}
			address, _ := netip.AddrFromSlice(raw)
			if _, refused := canonical.Address(address); refused == "" {
				ptrs[address] = "a.example"
			}
		}
		records, bad := canonicalPTRs(ptrs, false)
		if len(bad) > 0 {
			t.Fatal(bad)
		}
		s := Session{KVMID: "kvm_1", Signature: "s", ValidUntil: time.Unix(1737476000, 0)}
		if got, want := string(ptrForm(s, records)), plainForm(t, s, records); got != want {
			t.Errorf("%d records up to %d bytes differ from encoding/json:\n%s\n%s", len(ptrs), addressSize, got, want)
		}
	}
}

// The size that is reserved for a form holds it: a second allocation for a
// large call would double its memory.
func TestPTRFormIsOneBuffer(t *testing.T) { //nolint:paralleltest // AllocsPerRun
	ptrs := make(map[netip.Addr]string)
	for i := range 1000 {
		ptrs[netip.AddrFrom4([4]byte{198, 51, byte(i >> 8), byte(i)})] = "a.example"
		ptrs[netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1, byte(i >> 8), byte(i)})] = "b.example"
		ptrs[netip.AddrFrom16([16]byte{0x20, 2, 0xd, 0xb8, 14: byte(i >> 8), 15: byte(i)})] = "c.example"
	}
	records, bad := canonicalPTRs(ptrs, false)
	if len(bad) > 0 {
		t.Fatal(bad)
	}
	s := Session{KVMID: "kvm_1", Signature: "a+b&c", APIHost: "h.example", ValidUntil: time.Unix(1737476000, 0)}
	form := ptrForm(s, records)
	allocations := testing.AllocsPerRun(10, func() { form = ptrForm(s, records) })
	if unused := cap(form) - len(form); unused > 1024 || allocations > 4 { // the buffer, and the escaped fields
		t.Errorf("%v allocations, and %d of %d bytes are not used", allocations, unused, cap(form))
	}
}

// The form says what the request schema asks for, and the generated model reads
// it: held here rather than at each call.
func TestSetPTRFormMatchesRequestSchema(t *testing.T) {
	t.Parallel()
	records, bad := canonicalPTRs(map[netip.Addr]string{netip.MustParseAddr("2001:db8::10"): "mail.example.com"}, false)
	if len(bad) > 0 {
		t.Fatal(bad)
	}
	s := Session{KVMID: "kvm_1", Signature: "s", APIHost: "h.example", ValidUntil: time.Unix(1737476000, 0)}
	form, err := url.ParseQuery(string(ptrForm(s, records)))
	if err != nil {
		t.Fatal(err)
	}
	model := gen.SetPTRForm{
		APIHost: form.Get("api_host"), KVMID: form.Get("kvm_id"), Signature: form.Get("signature"), ValidUntil: form.Get("valid_until"),
	}
	if err := json.Unmarshal([]byte(form.Get("ip")), &model.IP); err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(model)
	if err != nil {
		t.Fatal(err)
	}
	var value any
	if err := json.Unmarshal(encoded, &value); err != nil {
		t.Fatal(err)
	}
	operation, err := contract.Find("setPTR")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := operation.Form()
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.VisitJSON(value, openapi3.VisitAsRequest()); err != nil {
		t.Errorf("request model %s: %v", encoded, err)
	}
	if len(schema.Properties) != len(form) {
		t.Errorf("the form has %d fields, the schema %d", len(form), len(schema.Properties))
	}
}
