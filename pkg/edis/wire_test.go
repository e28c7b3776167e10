package edis_test

import (
	"bufio"
	"bytes"
	"flag"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
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

// readRequest reads a request and returns its bytes.
func readRequest(conn net.Conn) string {
	var raw bytes.Buffer
	request, err := http.ReadRequest(bufio.NewReader(io.TeeReader(conn, &raw)))
	if err != nil {
		return err.Error()
	}
	_, _ = io.Copy(io.Discard, request.Body)
	return raw.String()
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
