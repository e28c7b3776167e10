package recordfile

import (
	"errors"
	"maps"
	"net/netip"
	"strings"
	"testing"
)

func TestWriteYAML(t *testing.T) {
	t.Parallel()
	records := map[string]map[netip.Addr]string{
		"":      flat{"192.0.2.9": "a.example"}.records(),
		"kvm_1": flat{"192.0.2.10": "b.example", "192.0.2.9": "single", "2001:db8::1": ""}.records(),
		"kvm_2": {},
		"null":  flat{"198.51.100.1": "a\x1bb: c"}.records(),
	}
	delete(records["kvm_1"], netip.MustParseAddr("192.0.2.9"))
	records["kvm_1"][netip.MustParseAddr("192.0.2.8")] = "single"
	const want = `192.0.2.9: a.example
kvm_1:
    192.0.2.8: single.
    192.0.2.10: b.example
    2001:db8::1: null
kvm_2: {}
"null":
    198.51.100.1: 'a b: c'
`
	var got strings.Builder
	if err := WriteYAML(&got, records); err != nil || strings.ReplaceAll(got.String(), "'null'", `"null"`) != want {
		t.Errorf("WriteYAML = %v\n%s\nwant\n%s", err, got.String(), want)
	}
}

func TestWriteZone(t *testing.T) {
	t.Parallel()
	records := map[string]map[netip.Addr]string{
		"kvm_1": flat{"192.0.2.10": "b.example", "192.0.2.9": "single", "192.0.2.8": "", "2001:db8::1": "c.example"}.records(),
		"kvm_2": flat{"192.0.3.1": "a\x1bb"}.records(),
	}
	const want = `$TTL 3600 ; not from the service
$ORIGIN 2.0.192.in-addr.arpa.
9.2.0.192.in-addr.arpa.	3600	IN	PTR	single.
10.2.0.192.in-addr.arpa.	3600	IN	PTR	b.example.
$ORIGIN 3.0.192.in-addr.arpa.
1.3.0.192.in-addr.arpa.	3600	IN	PTR	a\ b.
$ORIGIN 0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.
1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.	3600	IN	PTR	c.example.
`
	var got strings.Builder
	if err := WriteZone(&got, records); err != nil || got.String() != want {
		t.Errorf("WriteZone = %v\n%s\nwant\n%s", err, got.String(), want)
	}
}

// What is written is read as the same records, and covers what it lists.
func TestWrittenFilesAreRead(t *testing.T) {
	t.Parallel()
	ptrs := flat{"192.0.2.10": "b.example", "192.0.2.9": "single", "2001:db8::1": "xn--bcher-kva.example", "203.0.113.1": "a_b.true"}.records()
	records := map[string]map[netip.Addr]string{"kvm: 1": ptrs, "10": {}}
	var yamlText, zoneText strings.Builder
	if err := errors.Join(WriteYAML(&yamlText, records), WriteZone(&zoneText, records)); err != nil {
		t.Fatal(err)
	}
	set, err := read(yamlText.String(), Options{AllowUnderscore: true})
	if err != nil || !maps.EqualFunc(set.Records, records, maps.Equal) {
		t.Errorf("Read(%s) = %v, %v, want %v", yamlText.String(), set, err, records)
	}
	set, err = read(zoneText.String(), Options{AllowUnderscore: true})
	if err != nil || !maps.Equal(set.Records[""], ptrs) || len(set.Notes) > 0 {
		t.Fatalf("Read(%s) = %v, %v, want %v", zoneText.String(), set, err, ptrs)
	}
	for _, address := range []string{"192.0.2.99", "203.0.113.99", "2001:db8::99"} {
		if !set.Covers("", netip.MustParseAddr(address)) {
			t.Errorf("the zone file covers %s = false, want true", address)
		}
	}
}

// failingWriter fails after some bytes.
type failingWriter struct{ left int }

func (w *failingWriter) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, errors.ErrUnsupported
	}
	return len(p), nil
}

func TestWriteErrors(t *testing.T) {
	t.Parallel()
	ptrs := make(map[netip.Addr]string)
	for i := range 255 {
		for j := range 20 {
			ptrs[netip.AddrFrom4([4]byte{192, 0, byte(j), byte(i)})] = "a.example"
		}
	}
	records := map[string]map[netip.Addr]string{"kvm_1": ptrs}
	for _, left := range []int{0, 10_000} {
		if err := WriteYAML(&failingWriter{left}, records); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("WriteYAML to a writer that fails = %v, want its error", err)
		}
		if err := WriteZone(&failingWriter{left}, records); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("WriteZone to a writer that fails = %v, want its error", err)
		}
	}
}
