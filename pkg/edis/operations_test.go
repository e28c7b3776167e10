package edis_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/edistest"
)

// fakeEDIS starts an edistest server and returns it with a client for it.
func fakeEDIS(t *testing.T) (*edistest.Server, *edis.Client) {
	t.Helper()
	server := edistest.NewServer()
	t.Cleanup(server.Close)
	return server, newClient(t, server.URL)
}

func TestSetGetDelete(t *testing.T) {
	t.Parallel()
	server, client := fakeEDIS(t)
	session := server.Session()
	err := client.SetPTR(t.Context(), session, map[netip.Addr]string{
		addr("192.0.2.10"):   "Bücher.example.",
		addr("2001:db8::10"): "mail.example.com",
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := client.GetPTR(t.Context(), session, addr("::ffff:192.0.2.10"), addr("2001:db8::10"), addr("192.0.2.11"))
	want := map[netip.Addr]string{addr("192.0.2.10"): "xn--bcher-kva.example", addr("2001:db8::10"): "mail.example.com"}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("GetPTR = %v, %v, want %v", got, err, want)
	}
	if err := client.DeletePTR(t.Context(), session, addr("192.0.2.10"), addr("192.0.2.11")); err != nil {
		t.Fatal(err)
	}
	delete(want, addr("192.0.2.10"))
	if got := server.PTRs(); !maps.Equal(got, want) {
		t.Errorf("after DeletePTR, PTRs() = %v, want %v", got, want)
	}
	requests := server.Requests()
	for i, ip := range []string{
		`{"192.0.2.10":"xn--bcher-kva.example","2001:db8::10":"mail.example.com"}`,
		`["192.0.2.10","192.0.2.11","2001:db8::10"]`,
		`["192.0.2.10","192.0.2.11"]`,
	} {
		if got := requests[i].Form.Get("ip"); got != ip {
			t.Errorf("request %d: ip = %s, want %s", i, got, ip)
		}
	}
}

func TestInvalidAddresses(t *testing.T) {
	t.Parallel()
	server, client := fakeEDIS(t)
	session := server.Session()
	for _, addresses := range [][]netip.Addr{
		nil,
		{{}},
		{addr("127.0.0.1")},
		{addr("192.0.2.1"), addr("::ffff:192.0.2.1")},
		{addr("192.0.2.1"), addr("192.0.2.1")},
		{addr("2001:db8::1"), addr("2001:db8::1")},
	} {
		_, err := client.GetPTR(t.Context(), session, addresses...)
		wantErrorIs(t, err, edis.ErrInvalidInput)
		wantErrorIs(t, client.DeletePTR(t.Context(), session, addresses...), edis.ErrInvalidInput)
	}
	_, err := client.ConfirmPTR(t.Context(), session, map[netip.Addr]string{addr("192.0.2.1"): "a b"})
	wantErrorIs(t, err, edis.ErrInvalidInput)
	_, err = client.ConfirmPTR(nil, session, onePTR) //nolint:staticcheck // a nil context is the fault
	wantErrorIs(t, err, edis.ErrInvalidInput)
	if n := len(server.Requests()); n != 0 {
		t.Errorf("server received %d requests, want 0", n)
	}
}

// A read changes nothing, so its outcome is never unknown.
func TestReadsHaveNoUnknownOutcome(t *testing.T) {
	t.Parallel()
	for _, handler := range []http.HandlerFunc{
		serverError,
		respondWith(200, "text/html", ""),
		respondWith(302, "", ""),
		drop,
	} {
		client := newClient(t, serve(t, handler).URL)
		_, err := client.GetPTR(t.Context(), session(), addr("192.0.2.1"), addr("192.0.2.2"))
		if err == nil || errors.Is(err, edis.ErrOutcomeUnknown) {
			t.Errorf("GetPTR = %v, want an error that is not ErrOutcomeUnknown", err)
		}
		_, err = client.Login(t.Context(), credentials)
		if err == nil || errors.Is(err, edis.ErrOutcomeUnknown) {
			t.Errorf("Login = %v, want an error that is not ErrOutcomeUnknown", err)
		}
	}
}

// testRecords is row F72.
func testRecords(t *testing.T) {
	t.Helper()
	addresses := []netip.Addr{addr("192.0.2.1"), addr("2001:db8::1")}
	for body, want := range map[string]map[netip.Addr]string{
		`[]`: {},
		`[{"ip":"192.0.2.1"},{"ip":"2001:db8::1","ptr_record":null}]`:               {},
		`[{"ip":"192.0.2.1","ptr_record":""}]`:                                      {},
		`[{"ip":"192.0.2.1","ptr_record":"Mail.Example."}]`:                         {addr("192.0.2.1"): "mail.example"},
		`[{"ip":"192.0.2.1","ptr_record":"not a host"}]`:                            {addr("192.0.2.1"): "not a host"},
		`[{"ip":"::ffff:192.0.2.1","ptr_record":"a_b"}]`:                            {addr("192.0.2.1"): "a_b"},
		`[{"ip":"2001:DB8:0::1","ptr_record":"a"}]`:                                 {addr("2001:db8::1"): "a"},
		`[{"ip":"192.0.2.2","ptr_record":"a"}]`:                                     nil,
		`[{"ip":"192.0.2.1","ptr_record":"a"},{"ip":"192.0.2.1","ptr_record":"a"}]`: nil,
		`[{"ip":"192.0.2.1"},{"ip":"::ffff:192.0.2.1","ptr_record":"a"}]`:           nil,
		`[{"ip":"192.0.2.300","ptr_record":"a"}]`:                                   nil,
		`[{"ip":"","ptr_record":"a"}]`:                                              nil,
		`[{"ptr_record":"a"}]`:                                                      nil,
		`[{"ip":"2001:db8::1%eth0","ptr_record":"a"}]`:                              nil,
		`[{"ip":"` + strings.Repeat("x", 54<<10) + `","ptr_record":"a"}]`:           nil,
		`{"192.0.2.1":"a"}`:                                                         nil,
	} {
		s := serve(t, respondWith(200, jsonType, `{"status":"success","records":`+body+`}`))
		got, err := newClient(t, s.URL).GetPTR(t.Context(), session(), addresses...)
		if want == nil {
			wantErrorIs(t, err, edis.ErrContract)
		} else if err != nil || !maps.Equal(got, want) {
			t.Errorf("records %s: GetPTR = %v, %v, want %v", body, got, err, want)
		}
	}
}

// ConfirmPTR waits until the service shows a write, which takes 20 seconds here.
func TestConfirmPTR(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		started := time.Now()
		client := clientReading(t, func() map[string]string {
			if time.Since(started) < 20*time.Second {
				return map[string]string{"192.0.2.10": "old.example.com"}
			}
			return map[string]string{"192.0.2.10": "mail.example.com"}
		})
		differing, err := client.ConfirmPTR(t.Context(), session(), onePTR)
		if err != nil || len(differing) != 0 {
			t.Errorf("ConfirmPTR = %v, %v, want no differences", differing, err)
		}
		if took := time.Since(started); took < 20*time.Second || took > 28*time.Second {
			t.Errorf("ConfirmPTR took %v, want 20s to 28s", took)
		}

		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		want := map[netip.Addr]string{addr("192.0.2.10"): "other.example.com", addr("192.0.2.11"): "mail.example.com"}
		differing, err = client.ConfirmPTR(ctx, session(), want)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("errors.Is(%v, context.DeadlineExceeded) = false, want true", err)
		}
		if current := map[netip.Addr]string{addr("192.0.2.10"): "mail.example.com", addr("192.0.2.11"): ""}; !maps.Equal(differing, current) {
			t.Errorf("ConfirmPTR = %v, want %v", differing, current)
		}
	})
}

func TestConfirmPTRReadFails(t *testing.T) {
	t.Parallel()
	s := serve(t, respondWith(401, jsonType, `{"status":"error","error":"no"}`))
	_, err := newClient(t, s.URL).ConfirmPTR(t.Context(), session(), onePTR)
	wantErrorIs(t, err, edis.ErrUnauthorized)
}

// clientReading returns a client that reads from records without sockets, so that it
// can be used in synthetic time.
func clientReading(t *testing.T, records func() map[string]string) *edis.Client {
	t.Helper()
	return newClient(t, "", func(o *edis.Options) {
		o.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			if err := r.ParseForm(); err != nil {
				return nil, err
			}
			var items []string
			for ip, name := range records() {
				if strings.Contains(r.PostForm.Get("ip"), `"`+ip+`"`) {
					items = append(items, `{"ip":"`+ip+`","ptr_record":"`+name+`"}`)
				}
			}
			body := `{"status":"success","records":[` + strings.Join(items, ",") + `]}`
			return &http.Response{
				StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {jsonType}}, Request: r,
				Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
			}, nil
		})}
	})
}

// Only a 400 may mean that the service does not support listing.
func TestListFailsOtherwise(t *testing.T) {
	t.Parallel()
	for _, status := range []int{401, 403, 404, 429, 500} {
		_, err := newClient(t, serve(t, respondWith(status, jsonType, errorBody)).URL).ListPTR(t.Context(), session())
		if err == nil || strings.Contains(err.Error(), "may not list") {
			t.Errorf("ListPTR with status %d = %v, want only what happened", status, err)
		}
	}
}
