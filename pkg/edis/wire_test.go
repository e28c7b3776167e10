package edis_test

import (
	"encoding/json"
	"flag"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
)

var update = flag.Bool("update", false, "update the golden files")

// TestWire compares every byte of a request with a golden file. RDNSURL has a base
// path, which must be kept.
func TestWire(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	received := make(chan string, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			close(received)
			return
		}
		defer func() { _ = conn.Close() }()
		received <- readRequest(conn)
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "+
			strconv.Itoa(len(successBody))+"\r\n\r\n"+successBody)
	}()

	s := session()
	s.ValidUntil = time.Unix(4102444800, 0)
	host := listener.Addr().String()
	err = newClient(t, "http://"+host+"/base").SetPTR(t.Context(), s, map[netip.Addr]string{
		addr("2001:DB8:0:0::10"):    "mail.example.com",
		addr("192.0.2.9"):           "Bücher.example",
		addr("192.0.2.10"):          "mail.example.com.",
		addr("::ffff:198.51.100.1"): "a-1.example",
	})
	if err != nil {
		t.Fatal(err)
	}
	got := strings.ReplaceAll(<-received, host, "{host}")
	compareGolden(t, "testdata/setPTR.request", got)
}

// A request of many records has the bytes that encoding/json and net/url produce, so logs
// and proxies show the usual form.
func TestFormIsTheUsualOne(t *testing.T) {
	t.Parallel()
	ptrs, records := make(map[netip.Addr]string), make(map[string]string)
	for i := range 300 {
		for _, address := range []netip.Addr{
			netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}),
			netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 7: byte(i >> 8), 15: byte(i)}),
		} {
			ptrs[address], records[address.String()] = "a-b.example", "a-b.example"
		}
	}
	sent := edis.Session{KVMID: "kvm+1 &=", Signature: "a+b&c=d% é\"", APIHost: "h.example", ValidUntil: time.Unix(4102444800, 999)}
	ip, err := json.Marshal(records)
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{"ip": {string(ip)}, "kvm_id": {sent.KVMID}, "signature": {string(sent.Signature)}, "valid_until": {"4102444800"}, "api_host": {sent.APIHost}}.Encode()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if body, err := io.ReadAll(r.Body); string(body) != want {
			t.Errorf("SetPTR sent %s, %v, want %s", body, err, want)
		}
		succeed(w, r)
	})
	if err := newClient(t, s.URL).SetPTR(t.Context(), sent, ptrs); err != nil {
		t.Fatal(err)
	}
	wantRequests(t, s, 1)
}

func compareGolden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("request differs from %s; use -update to accept it\ngot:\n%s\nwant:\n%s", file, got, want)
	}
}
