package edis_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/edisptr/edis-go/pkg/edis"
)

// invalidNames are no host names, by the reason.
var invalidNames = map[string][]string{
	"is empty":                               {".", "。"},
	"has an empty label":                     {"a..b", ".a", "a.example..", "a.example.。"},
	"has a label of":                         {strings.Repeat("a", 64) + ".example", "b.ä" + strings.Repeat("a", 60)},
	"is not a valid internationalized label": {"א1a.example", "\u0301a.example"},
	"is 254 bytes long":                      {strings.Repeat("a234567890123456789.", 12) + "1234567890abcd"},
	"a host name has at most 253":            {strings.Repeat("ä.", 10_000)},
	"begins or ends with a hyphen":           {"-a.example", "a-.example", "a.-example", "a.example-", "-", "xn--"},
	"has the character":                      {"a b.example", "a\tb", "a\nb", "a\x00b", "a\x1fb", "a\x7fb", " a", "a ", "*.example.com", "*", "[2001:db8::1]", "2001:db8::1", "https://a.example", "a.example/", "a.example:25", "user@a.example", "a.example?x", "a%2eexample", "a\u3000b", "xn--\x00", `a"b`, `a\b`},
	"internationalized label":                {"a\u0085b"},
	"is not valid UTF-8":                     {"a\xffb.example", "\xc3\x28"},
	"like an IP address":                     {"192.0.2.1", "192.0.2.1.", "１９２.0.2.1", "a.1", "1"},
	"has an underscore":                      {"mail_1.example", "_dmarc.example"},
	"third and fourth position":              {"ab--c.example", "ab--c", "ああ--x.example"},
	"not a valid A-label":                    {"xn--a", "xn--abc-z.example"},
	"begins with xn-- but is not ASCII":      {"xn--Bücher", "ｘｎ－－abc.example"},
	"has the invisible character":            {"a\u200bb.example", "a\u00adb.example", "a\u202eb.example"},
}

func TestInvalidName(t *testing.T) {
	t.Parallel()
	address := addr("192.0.2.1")
	for reason, names := range invalidNames {
		parallel(t, reason, func(t *testing.T) {
			s := serve(t, succeed)
			client := newClient(t, s.URL)
			for _, name := range names {
				ptrs := map[netip.Addr]string{address: name}
				_, canonicalErr := client.CanonicalName(name)
				_, confirmErr := client.ConfirmPTR(t.Context(), session(), ptrs)
				for field, err := range map[string]error{"192.0.2.1 (SetPTR)": client.SetPTR(t.Context(), session(), ptrs), "192.0.2.1 (ConfirmPTR)": confirmErr, "host name (CanonicalName)": canonicalErr} {
					wantErrorIs(t, err, edis.ErrInvalidInput)
					field, call, _ := strings.Cut(field, " (")
					if input := new(edis.InputError); !errors.As(err, &input) || input.Field != field || input.Value != name || !strings.Contains(input.Reason, reason) {
						t.Errorf("%s of %q = %v, want an InputError of %s that says %q", call, name, err, field, reason)
					}
				}
			}
			wantRequests(t, s, 0)
		})
	}
	parallel(t, "an empty one is for deleting", func(t *testing.T) {
		client := newClient(t, "http://127.0.0.1:1")
		err := client.SetPTR(t.Context(), session(), map[netip.Addr]string{address: ""})
		if want := "edis: setPTR: 192.0.2.1 has no host name; delete the record instead; not sent, nothing changed"; fmt.Sprint(err) != want {
			t.Errorf("SetPTR = %q, want %q", err, want)
		}
		_, err = client.CanonicalName("")
		wantErrorIs(t, err, edis.ErrInvalidInput)
	})
	parallel(t, "the address's own reverse name is for deleting", func(t *testing.T) {
		client := newClient(t, "http://127.0.0.1:1")
		for text, names := range map[string][]string{
			"192.0.2.10":        {"10.2.0.192.in-addr.arpa", "10.2.0.192.IN-ADDR.arpa."},
			"::ffff:192.0.2.10": {"10.2.0.192.in-addr.arpa"},
			"2001:db8::1":       {"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa."},
		} {
			for _, name := range names {
				ptrs := map[netip.Addr]string{addr(text): name}
				_, confirmErr := client.ConfirmPTR(t.Context(), session(), ptrs)
				for _, err := range []error{client.SetPTR(t.Context(), session(), ptrs), confirmErr} {
					wantErrorIs(t, err, edis.ErrInvalidInput)
					if !strings.Contains(err.Error(), name+`" is the address's own reverse name, which stands for no record; delete the record instead`) {
						t.Errorf("SetPTR of %s to %s = %v, want it to say that it is its own reverse name", text, name, err)
					}
				}
			}
		}
		wantSent(t, "192.0.2.11", "10.2.0.192.in-addr.arpa", "10.2.0.192.in-addr.arpa")
	})
}

// TestName is about the canonical form of names: it is what is sent, and what CanonicalName
// and GetPTR return, and none of them changes it again.
func TestName(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("a234567890123456789.", 12) + "1234567890abc" // 253 bytes
	names := map[string]string{
		"mail.example.com.":                  "mail.example.com",
		"Mail.EXAMPLE.com":                   "mail.example.com",
		longest:                              longest,
		longest + ".":                        longest,
		strings.Repeat("a", 63) + ".x":       strings.Repeat("a", 63) + ".x",
		"bücher.example":                     "xn--bcher-kva.example",
		"BÜCHER。example":                     "xn--bcher-kva.example",
		"bu\u0308cher.example":               "xn--bcher-kva.example",
		"XN--BCHER-KVA.example":              "xn--bcher-kva.example",
		"straße.example":                     "xn--strae-oqa.example", // not the transitional "strasse"
		"STRAẞE.example":                     "xn--strae-oqa.example",
		"a.example。":                         "a.example",
		"a":                                  "a",
		"7.100.51.198.static.edisglobal.com": "7.100.51.198.static.edisglobal.com",
	}
	for typed, want := range names {
		parallel(t, typed, func(t *testing.T) {
			server, client := fakeEDIS(t)
			if got, err := client.CanonicalName(typed); got != want || err != nil {
				t.Errorf("CanonicalName(%q) = %q, %v, want %q", typed, got, err, want)
			}
			if again, err := client.CanonicalName(want); again != want || err != nil {
				t.Errorf("CanonicalName(%q) = %q, %v, want it unchanged", want, again, err)
			}
			ptrs := map[netip.Addr]string{addr("192.0.2.10"): typed}
			if err := client.SetPTR(t.Context(), server.Session(), ptrs); err != nil {
				t.Fatalf("SetPTR = %v", err)
			}
			if got, want := server.Requests()[0].Form.Get("ip"), `{"192.0.2.10":"`+want+`"}`; got != want {
				t.Errorf("SetPTR sent ip = %s, want %s", got, want)
			}
			if differing, err := client.ConfirmPTR(t.Context(), server.Session(), ptrs); len(differing) != 0 || err != nil {
				t.Errorf("ConfirmPTR = %v, %v, want no differences", differing, err)
			}
			got, err := client.GetPTR(t.Context(), server.Session(), addr("192.0.2.10"))
			if err != nil || got[addr("192.0.2.10")] != want {
				t.Errorf("GetPTR = %v, %v, want %s", got, err, want)
			}
			if err := client.SetPTR(t.Context(), server.Session(), got); err != nil {
				t.Errorf("SetPTR of what GetPTR returned = %v", err)
			}
		})
	}
	parallel(t, "the service may spell names in any way", func(t *testing.T) {
		for spelled, want := range names {
			s := serve(t, respondWith(200, jsonType, fmt.Sprintf(`{"status":"success","records":[{"ip":"192.0.2.10","ptr_record":%q}]}`, spelled)))
			client := newClient(t, s.URL)
			got, err := client.GetPTR(t.Context(), session(), addr("192.0.2.10"))
			if err != nil || got[addr("192.0.2.10")] != want {
				t.Errorf("GetPTR of %q = %v, %v, want %s", spelled, got, err, want)
			}
			if differing, err := client.ConfirmPTR(t.Context(), session(), map[netip.Addr]string{addr("192.0.2.10"): want}); len(differing) != 0 || err != nil {
				t.Errorf("ConfirmPTR of %q = %v, %v, want no differences", spelled, differing, err)
			}
		}
	})
	parallel(t, "an underscore is sent and confirmed if the Options allow it", func(t *testing.T) {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if ip := r.FormValue("ip"); r.URL.Path == "/set/ptr" && ip != `{"192.0.2.10":"_mail_1.example"}` {
				t.Errorf("SetPTR sent ip = %s", ip)
			}
			respondWith(200, jsonType, `{"status":"success","records":[{"ip":"192.0.2.10","ptr_record":"_mail_1.example"}]}`)(w, r)
		})
		client := newClient(t, s.URL, func(o *edis.Options) { o.AllowUnderscore = true })
		ptrs := map[netip.Addr]string{addr("192.0.2.10"): "_Mail_1.example"}
		if err := client.SetPTR(t.Context(), session(), ptrs); err != nil {
			t.Errorf("SetPTR = %v", err)
		}
		if differing, err := client.ConfirmPTR(t.Context(), session(), ptrs); len(differing) != 0 || err != nil {
			t.Errorf("ConfirmPTR = %v, %v, want no differences", differing, err)
		}
		if name, err := client.CanonicalName("_Mail_1.example"); name != "_mail_1.example" || err != nil {
			t.Errorf("CanonicalName = %q, %v", name, err)
		}
	})
	parallel(t, "names of users", func(t *testing.T) {
		wantSent(t, "192.0.2.10", "192-0-2-10.xn--mgba6a0dd.example", "192-0-2-10.xn--mgba6a0dd.example") // ASCII beside right-to-left
		for _, typed := range []string{"xn--が-.example", "ああ--x.example"} {                               // would become other names
			if name, err := newClient(t, "").CanonicalName(typed); err == nil {
				t.Errorf("CanonicalName(%q) = %q, want an error", typed, name)
			}
		}
	})
}

// wantSent fails the test unless SetPTR sends the record in this form.
func wantSent(t *testing.T, text, typed, want string) {
	t.Helper()
	server, client := fakeEDIS(t)
	if err := client.SetPTR(t.Context(), server.Session(), map[netip.Addr]string{addr(text): typed}); err != nil {
		t.Errorf("SetPTR of %s to %q = %v", text, typed, err)
		return
	}
	if got, want := server.Requests()[0].Form.Get("ip"), fmt.Sprintf(`{%q:%q}`, addr(text).Unmap(), want); got != want {
		t.Errorf("SetPTR of %s to %q sent ip = %s, want %s", text, typed, got, want)
	}
}

func TestIsDefaultName(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		address, name string
		want          bool
	}{
		{"198.51.100.7", "198-51-100-7.static.edis.at", true},
		{"198.51.100.7", "7.100.51.198.Static.EDISglobal.com.", true},
		{"::ffff:198.51.100.7", "198-51-100-7.static.edis.at", true},
		{"2001:db8::10", "2001-db8--10.static.edis.at", true},
		{"198.51.100.8", "198-51-100-7.static.edis.at", false},
		{"198.51.100.7", "mail.static.edis.at", false},
		{"198.51.100.7", "198-51-100-7.static.edis.at.example", false},
		{"198.51.100.7", "not a name", false},
		{"198.51.100.7", "", false},
	} {
		if got := edis.IsDefaultName(addr(test.address), test.name); got != test.want {
			t.Errorf("IsDefaultName(%s, %q) = %v, want %v", test.address, test.name, got, test.want)
		}
	}
	if edis.IsDefaultName(netip.Addr{}, "198-51-100-7.static.edis.at") {
		t.Error("IsDefaultName of no address = true, want false")
	}
}
