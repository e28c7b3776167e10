package edistest_test

import (
	"context"
	"net/http"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/edistest"
)

// setAndWait is the code under test. It sets records and waits until they show.
func setAndWait(ctx context.Context, client *edis.Client, src edis.SessionSource, ptrs map[netip.Addr]string) error {
	if err := client.SetPTR(ctx, src, ptrs); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Minute)
	defer cancel()
	_, err := client.ConfirmPTR(ctx, src, ptrs)
	return err
}

// This test takes milliseconds, although ten minutes and more pass in its bubble. In a
// test file of your own it would be named TestSetAndWait.
func testSetAndWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := edistest.NewTestServer(t) // closed when the test ends
		server.SetLag(10 * time.Minute)
		server.Fail(edistest.SetPTR, edistest.Fault{Status: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"20"}}})
		client, err := edis.NewClient(server.Options())
		if err != nil {
			t.Fatal(err)
		}
		started := time.Now()
		ptrs := map[netip.Addr]string{netip.MustParseAddr("192.0.2.10"): "mail.example.com"}
		if err := setAndWait(t.Context(), client, server.Session(), ptrs); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(started); took < 10*time.Minute+20*time.Second {
			t.Errorf("setAndWait took %v, want the pause before the retry and the lag", took)
		}
	})
}

func ExampleNewTestServer() {
	_ = testSetAndWait // see above; package testing calls it
}
