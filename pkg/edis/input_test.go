package edis_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/edisptr/edis-go/pkg/edis"
)

// invalidAddresses cannot have a PTR record, by the reason.
var invalidAddresses = map[string][]netip.Addr{
	"is not an IP address":       {{}},
	"has a zone":                 {addr("fe80::1%eth0"), addr("::ffff:192.0.2.1%eth0"), addr("2001:db8::1%\x1b[2J\u202e\n")},
	"is the unspecified address": {addr("0.0.0.0"), addr("::"), addr("::ffff:0.0.0.0")},
	"is a loopback address":      {addr("127.0.0.1"), addr("127.255.255.255"), addr("::1"), addr("::ffff:127.0.0.1")},
	"is a multicast address":     {addr("224.0.0.1"), addr("239.255.255.255"), addr("ff02::1"), addr("::ffff:224.0.0.1")},
	"is a link-local, reserved or broadcast address": {
		addr("255.255.255.255"), addr("240.0.0.1"), addr("254.1.2.3"), addr("::ffff:240.0.0.1"), addr("fe80::1"), addr("febf::1"), addr("169.254.1.1"),
	},
}

func TestInvalidAddress(t *testing.T) {
	t.Parallel()
	for reason, addresses := range invalidAddresses {
		for _, address := range addresses {
			parallel(t, fmt.Sprintf("%q %s", address, reason), func(t *testing.T) {
				s := serve(t, succeed)
				client := newClient(t, s.URL)
				ptrs := map[netip.Addr]string{address: "a.example"}
				for call, err := range addressCalls(t, client, address, ptrs) {
					wantErrorIs(t, err, edis.ErrInvalidInput)
					if input := new(edis.InputError); !errors.As(err, &input) || input.Field != "address" || input.Value != address.String() || !strings.HasPrefix(input.Reason, reason) {
						t.Errorf("%s of %q = %v, want an InputError that says that it %s", call, address, err, reason)
					}
					if strings.ContainsAny(err.Error(), "\x1b\u202e\n") {
						t.Errorf("%s of %q = %q, want no control or format characters", call, address, err)
					}
				}
				wantRequests(t, s, 0)
			})
		}
	}
	parallel(t, "a zone is not shown with the name of a record either", func(t *testing.T) {
		for call, err := range addressCalls(t, newClient(t, "http://127.0.0.1:1"), addr("192.0.2.1"), map[netip.Addr]string{addr("fe80::1%\x1b[2J\u202e"): "a b"}) {
			if strings.HasSuffix(call, " map") {
				if input := new(edis.InputError); !errors.As(err, &input) || strings.ContainsAny(err.Error()+input.Field, "\x1b\u202e") {
					t.Errorf("%s = %q, want no control or format characters", call, err)
				}
			}
		}
	})
	parallel(t, "the neighbors of invalid ones are valid", func(t *testing.T) {
		for _, text := range []string{"1.0.0.0", "126.255.255.255", "128.0.0.1", "223.255.255.255", "10.0.0.1", "fec0::1", "fe7f::1", "2001:db8::1", "fd00::1"} {
			wantSent(t, text, "a.example", "a.example")
		}
	})
}

// addressCalls returns the errors of all that takes an address, or records of addresses.
func addressCalls(t *testing.T, client *edis.Client, address netip.Addr, ptrs map[netip.Addr]string) map[string]error {
	_, getErr := client.GetPTR(t.Context(), session(), address)
	_, canonicalErr := edis.CanonicalAddr(address)
	_, confirmErr := client.ConfirmPTR(t.Context(), session(), ptrs)
	_, emptyErr := client.ConfirmPTR(t.Context(), session(), map[netip.Addr]string{address: ""})
	return map[string]error{
		"SetPTR map": client.SetPTR(t.Context(), session(), ptrs), "DeletePTR": client.DeletePTR(t.Context(), session(), address),
		"GetPTR": getErr, "CanonicalAddr": canonicalErr, "ConfirmPTR map": confirmErr, "ConfirmPTR of no record": emptyErr,
	}
}

// TestAddress is about the canonical form of addresses.
func TestAddress(t *testing.T) {
	t.Parallel()
	mapped, plain := addr("::ffff:192.0.2.10"), addr("192.0.2.10")
	parallel(t, "an IPv4-mapped one is IPv4 wherever it is used", func(t *testing.T) {
		server, client := fakeEDIS(t)
		ptrs := map[netip.Addr]string{mapped: "a.example"}
		if got, err := edis.CanonicalAddr(mapped); got != plain || err != nil {
			t.Errorf("CanonicalAddr(%s) = %s, %v, want %s", mapped, got, err, plain)
		}
		wantSent(t, mapped.String(), "a.example", "a.example")
		server.SetPTRs(map[netip.Addr]string{plain: "a.example"})
		if got, err := client.GetPTR(t.Context(), server.Session(), mapped); err != nil || !maps.Equal(got, map[netip.Addr]string{plain: "a.example"}) {
			t.Errorf("GetPTR = %v, %v, want the record of %s", got, err, plain)
		}
		if differing, err := client.ConfirmPTR(t.Context(), server.Session(), ptrs); len(differing) != 0 || err != nil {
			t.Errorf("ConfirmPTR = %v, %v, want no differences", differing, err)
		}
		if err := client.DeletePTR(t.Context(), server.Session(), mapped); err != nil || len(server.PTRs()) != 0 {
			t.Errorf("DeletePTR = %v, leaves %v", err, server.PTRs())
		}
	})
	parallel(t, "one that is given twice is refused", func(t *testing.T) {
		client := newClient(t, "http://127.0.0.1:1")
		for _, other := range []string{"a.example", "b.example", ""} {
			ptrs := map[netip.Addr]string{plain: "a.example", mapped: other}
			_, confirmErr := client.ConfirmPTR(t.Context(), session(), ptrs)
			_, getErr := client.GetPTR(t.Context(), session(), plain, mapped)
			for _, err := range []error{client.SetPTR(t.Context(), session(), ptrs), confirmErr, getErr, client.DeletePTR(t.Context(), session(), plain, plain)} {
				wantErrorIs(t, err, edis.ErrInvalidInput)
				if !strings.Contains(err.Error(), `address: "192.0.2.10" is given twice`) {
					t.Errorf("call with the address twice = %v, want it to name the address", err)
				}
			}
		}
	})
	parallel(t, "none is refused", func(t *testing.T) {
		client := newClient(t, "http://127.0.0.1:1")
		_, confirmErr := client.ConfirmPTR(t.Context(), session(), nil)
		_, getErr := client.GetPTR(t.Context(), session())
		for _, err := range []error{client.SetPTR(t.Context(), session(), nil), client.SetPTR(t.Context(), session(), map[netip.Addr]string{}), confirmErr, getErr, client.DeletePTR(t.Context(), session())} {
			wantErrorIs(t, err, edis.ErrInvalidInput)
			if !strings.Contains(err.Error(), "address is missing; give at least one") {
				t.Errorf("call without addresses = %v, want it to say so", err)
			}
		}
	})
}

func TestEveryInvalidItemIsNamedInOneError(t *testing.T) {
	t.Parallel()
	s := serve(t, succeed)
	client := newClient(t, s.URL)
	ptrs := map[netip.Addr]string{
		addr("192.0.2.1"):   "mail_1.example.com",
		addr("192.0.2.2"):   "good.example.com",
		addr("192.0.2.3"):   "*.example.com",
		addr("224.0.0.1"):   "multi.example.com",
		addr("2001:db8::1"): "a..b",
	}
	bad := session()
	bad.KVMID, bad.Signature = "", ""
	err := client.SetPTR(t.Context(), bad, ptrs)
	wantErrorIs(t, err, edis.ErrInvalidInput)
	want := []string{
		`192.0.2.1: "mail_1.example.com" has an underscore; allow underscores if that is right`,
		`192.0.2.3: "*.example.com" has the character '*'; a host name has only letters, digits, hyphens and dots`,
		`2001:db8::1: "a..b" has an empty label; remove the dot at its beginning, or one of two in a row`,
		`Session.KVMID is empty`,
		`Session.Signature is empty`,
		`address: "224.0.0.1" is a multicast address`,
	}
	if text := "edis: setPTR: " + strings.Join(want, "; ") + "; not sent, nothing changed"; err.Error() != text {
		t.Errorf("SetPTR = %q\nwant %q", err, text)
	}
	var items []string
	walk(err, func(cause error) {
		if input, ok := cause.(*edis.InputError); ok { //nolint:errorlint // walks the tree
			items = append(items, input.Error())
		}
	})
	if !slices.Equal(items, want) {
		t.Errorf("SetPTR unwraps to the InputErrors %q, want %q", items, want)
	}
	_, err = client.ConfirmPTR(t.Context(), session(), ptrs)
	if got := strings.Count(err.Error(), "; "); !strings.Contains(err.Error(), want[0]+"; "+want[1]) || got < 3 {
		t.Errorf("ConfirmPTR = %v, want it to name every invalid record", err)
	}
	err = client.DeletePTR(t.Context(), session(), addr("224.0.0.1"), addr("192.0.2.1"), addr("::1"))
	if want := `edis: deletePTR: address: "224.0.0.1" is a multicast address; address: "::1" is a loopback address; not sent, nothing changed`; err.Error() != want {
		t.Errorf("DeletePTR = %q, want %q", err, want)
	}
	if _, err = edis.NewClient(&edis.Options{Timeout: -1, MaxAttempts: -2, MaxResponseBytes: -3}); err == nil ||
		err.Error() != "edis: Options.MaxAttempts is negative: -2; Options.MaxResponseBytes is negative: -3; Options.Timeout is negative: -1" {
		t.Errorf("NewClient = %v, want all three options named", err)
	}
	wantRequests(t, s, 0)
}

// A call is what it was when it began, whatever the caller does to its arguments.
func TestArgumentsAreReadAtTheCall(t *testing.T) {
	t.Parallel()
	forms := make(chan string, 1)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		forms <- r.FormValue("ip")
		respondWith(503, "text/html", "")(w, r)
	})
	client := newClient(t, s.URL)
	ptrs := maps.Clone(twoPTRs)
	addrs := []netip.Addr{addr("192.0.2.10"), addr("192.0.2.11")}
	source := sourceFunc(func(context.Context) (edis.Session, error) {
		addrs[0] = netip.Addr{}
		ptrs[addr("192.0.2.99")] = "late.example"
		delete(ptrs, addr("192.0.2.10"))
		return session(), nil
	})
	for call, test := range map[string]struct {
		call func()
		want string
	}{
		"SetPTR":     {func() { _ = client.SetPTR(t.Context(), source, ptrs) }, `{"192.0.2.10":"a.example","192.0.2.11":"b.example"}`},
		"DeletePTR":  {func() { _ = client.DeletePTR(t.Context(), source, addrs...) }, `["192.0.2.10","192.0.2.11"]`},
		"GetPTR":     {func() { _, _ = client.GetPTR(t.Context(), source, addrs...) }, `["192.0.2.10","192.0.2.11"]`},
		"ConfirmPTR": {func() { _, _ = client.ConfirmPTR(t.Context(), source, ptrs) }, `["192.0.2.10","192.0.2.11"]`},
	} {
		ptrs, addrs[0] = maps.Clone(twoPTRs), addr("192.0.2.10")
		test.call()
		if got := <-forms; got != test.want {
			t.Errorf("%s sent ip = %s, want %s", call, got, test.want)
		}
	}
}

// The text of an invalid value is bounded.
func TestLongValueIsCutOff(t *testing.T) {
	t.Parallel()
	_, err := newClient(t, "").CanonicalName(strings.Repeat("a_", 1<<20))
	if err == nil || len(err.Error()) > 500 || !strings.Contains(err.Error(), "...") {
		t.Errorf("CanonicalName of 2 MiB = %v, want at most 500 bytes", err)
	}
	input := new(edis.InputError)
	if errors.As(err, &input); len(input.Value) != 2<<20 {
		t.Errorf("Value has %d bytes, want the whole value", len(input.Value))
	}
}
