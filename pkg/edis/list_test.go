package edis_test

import (
	"errors"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/edistest"
)

func TestListPTR(t *testing.T) {
	t.Parallel()
	for name, dialect := range map[string]edistest.Dialect{"documented": edistest.Documented, "recorded": edistest.Recorded} {
		parallel(t, "returns all records of the server, "+name, func(t *testing.T) {
			server, client := fakeEDIS(t)
			server.SetDialect(dialect)
			if ptrs, err := client.ListPTR(t.Context(), server.Session()); err != nil || len(ptrs) != 0 {
				t.Errorf("ListPTR = %v, %v, want none", ptrs, err)
			}
			want := map[netip.Addr]string{addr("192.0.2.10"): "a.example", addr("2001:db8::1"): "b.example"}
			server.SetPTRs(want)
			if ptrs, err := client.ListPTR(t.Context(), server.Session()); err != nil || !maps.Equal(ptrs, want) {
				t.Errorf("ListPTR = %v, %v, want %v", ptrs, err, want)
			}
			if got := server.Requests()[0].Form.Get("ip"); got != "[]" {
				t.Errorf("ListPTR sent ip = %s, want []", got)
			}
		})
	}
	const ip4, ip6 = "10.2.0.192.in-addr.arpa", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
	for name, body := range map[string]string{
		"own reverse name, recorded":   `{"data":{"ptr":{"192.0.2.10":"` + ip4 + `","2001:DB8:0:0:0:0:0:1":"` + ip6 + `."}},"status":"success"}`,
		"own reverse name, documented": `{"status":"success","records":[{"ip":"::ffff:192.0.2.10","ptr_record":"` + strings.ToUpper(ip4) + `."},{"ip":"2001:db8::1","ptr_record":"` + ip6 + `"}]}`,
		"null and no name, recorded":   `{"data":{"ptr":{"192.0.2.10":null,"2001:db8::1":""}},"status":"success"}`,
		"null and no name, documented": `{"status":"success","records":[{"ip":"192.0.2.10","ptr_record":null},{"ip":"2001:db8::1"}]}`,
	} {
		parallel(t, "keeps a listed address without a record, "+name, func(t *testing.T) {
			client := newClient(t, serve(t, respondWith(200, jsonType, body)).URL)
			listed, err := client.ListPTR(t.Context(), session())
			if want := (map[netip.Addr]string{addr("192.0.2.10"): "", addr("2001:db8::1"): ""}); err != nil || !maps.Equal(listed, want) {
				t.Errorf("ListPTR = %v, %v, want %v", listed, err, want)
			}
			if read, err := client.GetPTR(t.Context(), session(), addr("192.0.2.10"), addr("2001:db8::1")); err != nil || len(read) != 0 {
				t.Errorf("GetPTR = %v, %v, want no records", read, err)
			}
		})
	}
	parallel(t, "the reverse name of another address is a name like any other", func(t *testing.T) {
		client := newClient(t, serve(t, respondWith(200, jsonType, `{"data":{"ptr":{"192.0.2.11":"`+ip4+`"}},"status":"success"}`)).URL)
		want := map[netip.Addr]string{addr("192.0.2.11"): ip4}
		if got, err := client.ListPTR(t.Context(), session()); err != nil || !maps.Equal(got, want) {
			t.Errorf("ListPTR = %v, %v, want %v", got, err, want)
		}
		if got, err := client.GetPTR(t.Context(), session(), addr("192.0.2.11")); err != nil || !maps.Equal(got, want) {
			t.Errorf("GetPTR = %v, %v, want %v", got, err, want)
		}
	})
	parallel(t, "has no address that could not be set, and none twice", func(t *testing.T) {
		for _, ips := range [][]string{{`fe80::1%eth0`}, {`2001:db8::1%\u001b[2J\u202e`}, {"127.0.0.1"}, {"x"}, {""}, {"192.0.2.1", "192.0.2.1"}, {"192.0.2.1", "::ffff:192.0.2.1"}} {
			records := make([]string, len(ips))
			for i, ip := range ips {
				records[i] = `{"ip":"` + ip + `","ptr_record":"a.example"}`
			}
			s := serve(t, respondWith(200, jsonType, `{"status":"success","records":[`+strings.Join(records, ",")+`]}`))
			listed, err := newClient(t, s.URL).ListPTR(t.Context(), session())
			wantErrorIs(t, err, edis.ErrContract)
			if text := err.Error(); listed != nil || strings.ContainsAny(text, "\x1b\u202e") {
				t.Errorf("ListPTR = %v, %q, want no records, and printable text", listed, text)
			}
		}
	})
}

// TestListPTRRefused is about services that do not list, which is not documented.
func TestListPTRRefused(t *testing.T) {
	t.Parallel()
	const hint = "the service may not support listing, which its API document does not mention; read records by address"
	for status, sentinels := range map[int][]error{400: nil, 401: {edis.ErrUnauthorized}, 403: nil, 404: nil, 408: nil, 429: {edis.ErrRateLimited}, 500: {edis.ErrServer}} {
		client := newClient(t, serve(t, respondWith(status, jsonType, errorBody)).URL)
		_, err := client.ListPTR(t.Context(), session())
		wantOutcome(t, err, edis.OutcomeUnchanged, sentinels...)
		if api := new(edis.APIError); !errors.As(err, &api) || api.Status != status || strings.Contains(err.Error(), hint) != (status == 400) {
			t.Errorf("ListPTR with status %d = %v, want an APIError, and that the service may not list only for 400", status, err)
		}
		if _, err := client.GetPTR(t.Context(), session(), addr("192.0.2.10")); err == nil || strings.Contains(err.Error(), "listing") {
			t.Errorf("GetPTR with status %d = %v, want nothing about lists", status, err)
		}
	}
	// A login that is refused with the same status says nothing about lists.
	paths := []string{}
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.URL.Path)
		respondWith(400, jsonType, `{"error":"Bad","code":400,"message":"no"}`)(w, r)
	})
	client := newClient(t, s.URL)
	_, err := client.ListPTR(t.Context(), client.Account(credentials))
	wantErrorIs(t, err, edis.ErrLoginRefused)
	if strings.Contains(err.Error(), "listing") || !slices.Equal(paths, []string{"/kvm/v2/get/auth"}) {
		t.Errorf("ListPTR = %v after requests of %q, want only that the login was refused", err, paths)
	}
}
