package cli

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"testing"
)

// A response is passed on whole, however long it is.
func TestExchangeLogPassesResponsesOn(t *testing.T) {
	t.Parallel()
	long := `{"status":"` + strings.Repeat("x", 2*maxShape) + `"}`
	for body, want := range map[string]string{`{"status":"success"}`: "HTTP 200, {status}, labeled text/plain", long: "HTTP 200, no JSON object, labeled text/plain", "": "HTTP 200, no JSON object, labeled as nothing"} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }))
		t.Cleanup(server.Close)
		var log exchangeLog
		response, err := (&http.Client{Transport: &log}).Get(server.URL + "/a/get/ptr")
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(response.Body)
		if string(got) != body || err != nil || response.Body.Close() != nil {
			t.Errorf("a body of %d bytes has %d bytes after the log (%v)", len(body), len(got), err)
		}
		if last := log.last(); last.String() != want || last.base("/get/ptr") != server.URL+"/a" {
			t.Errorf("last() of a body of %d bytes = %s at %s, want %s", len(body), last, last.base("/get/ptr"), want)
		}
	}
}

// A report says why there was no response, without the addresses in the error.
func TestDescribeFailure(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"refused":     {connectionError("dial", syscall.ECONNREFUSED), "no response: connection refused"},
		"lookup":      {connectionError("dial", &net.DNSError{Err: "no such host", Server: "192.0.2.53", IsTimeout: true}), "no response: the lookup of the host failed"},
		"timeout":     {connectionError("read", timeoutError{}), "no response: timeout"},
		"proxy":       {connectionError("proxyconnect", syscall.ECONNREFUSED), "no connection to the proxy: connection refused"},
		"certificate": {&url.Error{Err: &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}}, "no response: the certificate is not trusted"},
		"other":       {errors.New("read tcp 192.0.2.1:1->192.0.2.2:2: broken"), "no response"},
	} {
		if got := describeFailure(test.err); got != test.want {
			t.Errorf("%s: describeFailure(%v) = %q, want %q", name, test.err, got, test.want)
		}
	}
}
