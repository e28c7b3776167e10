package edis_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/netip"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/edistest"
)

// mendingTransport is a workaround for unforeseen changes of the service. It modifies
// responses before they are validated. It must not repeat requests.
type mendingTransport struct{ http.RoundTripper }

func (m mendingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := m.RoundTripper.RoundTrip(r)
	if err != nil || r.URL.Path != "/set/ptr" {
		return response, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if err != nil {
		return nil, err
	}
	body = bytes.Replace(body, []byte(`"status":"ok"`), []byte(`"status":"success"`), 1)
	response.Body, response.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return response, nil
}

// If the service changes in a way that this package rejects, a RoundTripper can fix its
// responses until there is a new version.
func ExampleOptions_mendResponses() {
	server := edistest.NewServer()
	defer server.Close()
	server.Fail("setPTR", edistest.Fault{Apply: -1, Body: `{"status":"ok"}`})
	options := server.Options()
	options.HTTPClient = &http.Client{Transport: mendingTransport{edis.Transport()}}
	client, err := edis.NewClient(options)
	if err != nil {
		log.Fatal(err)
	}
	err = client.SetPTR(context.Background(), server.Session(), map[netip.Addr]string{
		netip.MustParseAddr("192.0.2.10"): "mail.example.com",
	})
	fmt.Println(err)
	// Output: <nil>
}
