package edis_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/netip"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/edistest"
)

// A tracingTransport sees every request. It must not log bodies, which contain secrets,
// and must not repeat requests.
type tracingTransport struct{ next http.RoundTripper }

func (t tracingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := t.next.RoundTrip(r)
	if err != nil {
		fmt.Println(r.Method, r.URL.Path, err)
		return nil, err
	}
	fmt.Println(r.Method, r.URL.Path, response.StatusCode)
	return response, nil
}

// A tracing RoundTripper wraps that of the package. So it keeps to HTTP/1.1, to the
// limits, and to no proxy for plain HTTP.
func ExampleTransport() {
	server := edistest.NewServer()
	defer server.Close()
	options := server.Options()
	options.HTTPClient = &http.Client{Transport: tracingTransport{edis.Transport()}}
	client, err := edis.NewClient(options)
	if err != nil {
		log.Fatal(err)
	}
	err = client.SetPTR(context.Background(), client.Account(server.Credentials()), map[netip.Addr]string{
		netip.MustParseAddr("192.0.2.10"): "mail.example.com",
	})
	fmt.Println(err)
	// Output:
	// POST /kvm/v2/get/auth 200
	// POST /set/ptr 200
	// <nil>
}
