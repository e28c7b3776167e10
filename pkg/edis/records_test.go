package edis_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"strings"
	"testing"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/edistest"
)

const (
	ownName4 = "10.2.0.192.in-addr.arpa"
	ownName6 = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
)

// The two addresses that these tests read.
var read4, read6 = addr("192.0.2.10"), addr("2001:db8::1")

// A read understands the responses of the API document and those that the provider once
// published, and nothing else. An address without a name has no record.
func TestReadRecords(t *testing.T) {
	t.Parallel()
	type ptrs = map[netip.Addr]string
	both := ptrs{read4: "mail.example.com", read6: "host.example.com"}
	for _, test := range []struct {
		name, body string
		want       ptrs // nil: ErrContract
	}{
		{"documented", `"records":[{"ip":"192.0.2.10","ptr_record":"Mail.example.com."},{"ip":"2001:db8::1","ptr_record":"host.example.com"}]`, both},
		{"recorded", `"data":{"ptr":{"192.0.2.10":"Mail.example.com.","2001:DB8::1":"host.example.com"}}`, both},
		{"recorded, not compressed", `"data":{"ptr":{"192.0.2.10":"mail.example.com","2001:db8:0:0:0:0:0:1":"host.example.com"}}`, both},
		{"IPv4-mapped", `"records":[{"ip":"::ffff:192.0.2.10","ptr_record":"a_b"}]`, ptrs{read4: "a_b"}},
		{"documented, no names", `"records":[{"ip":"192.0.2.10"},{"ip":"2001:db8::1","ptr_record":null}]`, ptrs{}},
		{"documented, empty names", `"records":[{"ip":"192.0.2.10","ptr_record":""},{"ip":"2001:db8::1","ptr_record":""}]`, ptrs{}},
		{"recorded, no names", `"data":{"ptr":{"192.0.2.10":null,"2001:db8::1":""}}`, ptrs{}},
		{"documented, none", `"records":[]`, ptrs{}},
		{"documented, none, by PHP", `"records":{}`, ptrs{}},
		{"recorded, none", `"data":{"ptr":{}}`, ptrs{}},
		{"recorded, none, by PHP", `"data":{"ptr":[]}`, ptrs{}},
		{"documented, own reverse names", `"records":[{"ip":"192.0.2.10","ptr_record":"` + strings.ToUpper(ownName4) + `."},{"ip":"2001:db8::1","ptr_record":"` + ownName6 + `"}]`, ptrs{}},
		{"recorded, own reverse names", `"data":{"ptr":{"192.0.2.10":"` + ownName4 + `","2001:db8::1":"` + ownName6 + `."}}`, ptrs{}},
		{"another address's reverse name", `"data":{"ptr":{"192.0.2.10":"11.2.0.192.in-addr.arpa"}}`, ptrs{read4: "11.2.0.192.in-addr.arpa"}},
		{"not a host name", `"records":[{"ip":"192.0.2.10","ptr_record":"Not a host"}]`, ptrs{read4: "Not a host"}},
		{"neither form", `"message":"done"`, nil},
		{"null", `"records":null`, nil},
		{"data without ptr", `"data":{}`, nil},
		{"data as a list", `"data":[]`, nil},
		{"names by address for records", `"records":{"192.0.2.10":"a.example"}`, nil},
		{"a list of names for ptr", `"data":{"ptr":["a.example"]}`, nil},
		{"a number for a name", `"data":{"ptr":{"192.0.2.10":5}}`, nil},
		{"a number for a documented name", `"records":[{"ip":"192.0.2.10","ptr_record":5}]`, nil},
		{"not asked for", `"records":[{"ip":"192.0.2.99","ptr_record":"a"}]`, nil},
		{"not asked for, recorded", `"data":{"ptr":{"192.0.2.99":"a.example"}}`, nil},
		{"not asked for, without a name", `"records":[{"ip":"192.0.2.99"}]`, nil},
		{"duplicate", `"records":[{"ip":"192.0.2.10","ptr_record":"a"},{"ip":"192.0.2.10","ptr_record":"a"}]`, nil},
		{"duplicate without a name", `"records":[{"ip":"192.0.2.10"},{"ip":"::ffff:192.0.2.10","ptr_record":"a"}]`, nil},
		{"duplicate key", `"data":{"ptr":{"192.0.2.10":"a","192.0.2.10":"b"}}`, nil},
		{"duplicate key, IPv4-mapped", `"data":{"ptr":{"192.0.2.10":"a","::ffff:192.0.2.10":"a"}}`, nil},
		{"duplicate in both forms", `"records":[{"ip":"192.0.2.10"}],"data":{"ptr":{"192.0.2.10":"a"}}`, nil},
		{"not an address", `"records":[{"ip":"192.0.2.300","ptr_record":"a"}]`, nil},
		{"a name for an address", `"data":{"ptr":{"x":"a.example"}}`, nil},
		{"an empty address", `"records":[{"ip":"","ptr_record":"a"}]`, nil},
		{"no address", `"records":[{"ptr_record":"a"}]`, nil},
		{"an address with a zone", `"records":[{"ip":"2001:db8::1%eth0","ptr_record":"a"}]`, nil},
		{"a very long address", `"records":[{"ip":"` + strings.Repeat("x", 54<<10) + `","ptr_record":"a"}]`, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, serve(t, respondWith(200, "text/html; charset=UTF-8", `{"status":"success",`+test.body+`}`)).URL)
			got, err := client.GetPTR(t.Context(), session(), read4, read6)
			if test.want == nil {
				wantOutcome(t, err, edis.OutcomeUnchanged, edis.ErrContract)
			} else if err != nil || !maps.Equal(got, test.want) {
				t.Errorf("GetPTR = %v, %v, want %v", got, err, test.want)
			}
			failing := newClient(t, serve(t, respondWith(200, jsonType, `{"status":"error",`+test.body+`}`)).URL)
			if got, err := failing.GetPTR(t.Context(), session(), read4, read6); !errors.Is(err, edis.ErrContract) || got != nil {
				t.Errorf("GetPTR with status error = %v, %v, want ErrContract", got, err)
			}
		})
	}
}

// Every operation works in both forms of responses, from the login to the list.
func TestBothFormsOfResponses(t *testing.T) {
	t.Parallel()
	for name, dialect := range map[string]edistest.Dialect{"documented": edistest.Documented, "recorded": edistest.Recorded} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, client := fakeEDIS(t)
			server.SetDialect(dialect)
			account := client.Account(server.Credentials())
			want := map[netip.Addr]string{read4: "mail.example.com", read6: "mail.example.com"}
			wantList := func(want map[netip.Addr]string) {
				t.Helper()
				ptrs, err := client.ListPTR(t.Context(), account)
				maps.DeleteFunc(ptrs, func(_ netip.Addr, name string) bool { return name == "" }) // of those deleted
				if err != nil || !maps.Equal(ptrs, want) {
					t.Errorf("ListPTR = %v, %v, want %v", ptrs, err, want)
				}
			}
			wantList(map[netip.Addr]string{})
			for _, write := range []func(context.Context) error{
				func(ctx context.Context) error { return client.SetPTR(ctx, account, want) },
				func(ctx context.Context) error { return client.DeletePTR(ctx, account, read6) },
			} {
				if err := write(t.Context()); err != nil {
					t.Fatal(err)
				}
				if ptrs, err := client.GetPTR(t.Context(), account, read4, read6, addr("192.0.2.11")); err != nil || !maps.Equal(ptrs, want) {
					t.Errorf("GetPTR = %v, %v, want %v", ptrs, err, want)
				}
				wantList(want)
				delete(want, read6)
			}
			server.Fail("setPTR", edistest.Fault{Status: 400})
			wantOutcome(t, client.SetPTR(t.Context(), account, onePTR), edis.OutcomeUnchanged)
			if err := client.DeletePTR(t.Context(), account, read4); err != nil {
				t.Error(fmt.Errorf("DeletePTR = %w", err))
			}
		})
	}
}
