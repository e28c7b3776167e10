package transport

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// The own transport speaks HTTP/2 where it is offered.
func TestHTTP2WhereOffered(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	own := shared().Clone()
	own.TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	own.TLSClientConfig.NextProtos = nil // what the transport offers by itself
	defer own.CloseIdleConnections()
	template, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := direct{noRedirects{own}}.Do(WithForm([]byte("a=b"), template))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if body, err := io.ReadAll(response.Body); err != nil || string(body) != "a=b" || response.ProtoMajor != 2 {
		t.Errorf("%s answers %q, %v, want HTTP/2 and what was sent", response.Proto, body, err)
	}
}
