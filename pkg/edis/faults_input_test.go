package edis_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
)

// inputFaults are inputs that the client rejects or normalizes before it sends
// anything.
var inputFaults = []fault{
	{id: "F01-no-address", run: func(t *testing.T) { wantInvalid(t, map[netip.Addr]string{{}: "a.example"}) }},
	{id: "F02-zone", run: func(t *testing.T) {
		wantInvalidAddress(t, "fe80::1%eth0")
		wantInvalidAddress(t, "::ffff:192.0.2.1%eth0")
		wantInvalidAddress(t, "fe80::1%\x1b[2J\n")
		err := setPTR(t, serve(t, succeed), map[netip.Addr]string{addr("fe80::1%\x1b[2J"): "a b"})
		if strings.Contains(err.Error(), "\x1b") {
			t.Errorf("SetPTR = %q, want no control characters", err)
		}
	}},
	{id: "F03-ipv4-mapped", run: func(t *testing.T) {
		wantIP(t, map[netip.Addr]string{addr("::ffff:192.0.2.1"): "a.example"}, `{"192.0.2.1":"a.example"}`)
	}},
	{id: "F04-twice", run: func(t *testing.T) {
		for _, other := range []string{"a.example", "b.example"} {
			wantInvalid(t, map[netip.Addr]string{addr("192.0.2.1"): "a.example", addr("::ffff:192.0.2.1"): other})
		}
	}},
	{id: "F05-special-address", run: func(t *testing.T) {
		for _, text := range []string{"0.0.0.0", "::", "127.0.0.1", "::1", "224.0.0.1", "ff02::1", "::ffff:127.0.0.1"} {
			wantInvalidAddress(t, text)
		}
	}},
	{id: "F98-reserved-address", run: func(t *testing.T) {
		for _, text := range []string{"255.255.255.255", "240.0.0.1", "254.1.2.3", "fe80::1", "febf::1", "169.254.1.1", "::ffff:240.0.0.1"} {
			wantInvalidAddress(t, text)
		}
		for _, text := range []string{"223.255.255.255", "fec0::1", "2001:db8::1"} {
			wantIP(t, map[netip.Addr]string{addr(text): "a.example"}, `{"`+text+`":"a.example"}`)
		}
	}},
	{id: "F06-none", run: func(t *testing.T) {
		wantInvalid(t, nil)
		wantInvalid(t, map[netip.Addr]string{})
	}},
	{id: "F07-empty-label", run: wantInvalidNames("", "a..b", ".", ".a", "a.example..")},
	{id: "F08-long-label", run: wantInvalidNames(strings.Repeat("a", 64)+".example", "b.ä"+strings.Repeat("a", 60))},
	{id: "F09-long-name", run: func(t *testing.T) {
		longest := strings.Repeat("a234567890123456789.", 12) + "1234567890abc" // 253 bytes
		wantName(t, longest, longest)
		wantName(t, longest+".", longest)
		wantInvalidNames(longest + "d")(t)
		wantInvalidNames(strings.Repeat("ä.", 10_000))(t)
	}},
	{id: "F10-hyphen", run: wantInvalidNames("-a.example", "a-.example", "a.-example", "a.example-", "-")},
	{id: "F11-control", run: wantInvalidNames("a b.example", "a\tb", "a\nb", "a\x00b", "a\x1fb", "a\x7fb", "a\u0085b", "a\u3000b", " a", "a ")},
	{id: "F12-utf8", run: wantInvalidNames("a\xffb.example", "\xc3\x28")},
	{id: "F13-wildcard", run: wantInvalidNames("*.example.com", "*")},
	{id: "F14-address-as-name", run: wantInvalidNames("192.0.2.1", "192.0.2.1.", "2001:db8::1", "[2001:db8::1]", "１９２.0.2.1", "a.1")},
	{id: "F15-url", run: wantInvalidNames("https://a.example", "a.example/", "a.example:25", "user@a.example", "a.example?x", "a%2eexample")},
	{id: "F16-underscore", run: func(t *testing.T) {
		wantInvalidNames("mail_1.example")(t)
		got := sentIP(t, map[netip.Addr]string{addr("192.0.2.1"): "_Mail_1.example"}, func(o *edis.Options) { o.AllowUnderscore = true })
		if want := `{"192.0.2.1":"_mail_1.example"}`; got != want {
			t.Errorf("with AllowUnderscore SetPTR sent ip = %s, want %s", got, want)
		}
	}},
	{id: "F17-a-label", run: func(t *testing.T) {
		wantName(t, "bücher.example", "xn--bcher-kva.example")
		wantName(t, "BÜCHER。example", "xn--bcher-kva.example")
		wantName(t, "straße.example", "xn--strae-oqa.example") // not the transitional "strasse"
		wantName(t, "xn--bcher-kva.example", "xn--bcher-kva.example")
		wantName(t, "a.example。", "a.example")
		wantInvalidNames("a.example.。", "א1a.example")(t) // two dots at the end; both right-to-left and left-to-right
	}},
	{id: "F18-punycode", run: wantInvalidNames("xn--\x00", "xn--", "xn--a", "xn--abc-", "xn--Bücher", "ab--c.example", "ab--")},
	{id: "F19-trailing-dot", run: func(t *testing.T) { wantName(t, "mail.example.com.", "mail.example.com") }},
	{id: "F20-upper-case", run: func(t *testing.T) { wantName(t, "Mail.EXAMPLE.com", "mail.example.com") }},
	{id: "F21-plain-http", run: func(t *testing.T) {
		wantInvalidURLs(t, "http://dns-api.edisglobal.com", "http://192.0.2.1", "http://10.0.0.1", "http://192.168.1.1", "http://[fd00::1]", "http://localhost.example", "HTTP://example.com", "ftp://a.example", "//a.example", "a.example", "https:a.example", "https://")
		wantValidURLs(t, "http://127.0.0.1:1", "http://[::1]:1/base", "http://localhost", "https://a.example", "https://a.example:444/base/", "http://127.9.9.9")
	}},
	{id: "F22-url-extras", run: func(t *testing.T) {
		wantInvalidURLs(t, "https://user:hunter2@a.example", "https://user@a.example", "https://a.example?", "https://a.example?x=y", "https://a.example/#", "https://a.example#f", "https://a.example:port", "https://a .example", "https://:443", "https://a.example?token=hunter2")
	}},
	{id: "F23-hostile-api-host", run: func(t *testing.T) {
		for _, host := range []string{"evil.example/x?y=", "evil.example:80", "evil.example\nx", "http://evil.example", "a b", "user@evil.example"} {
			s := session()
			s.APIHost = host
			wantSessionError(t, s, edis.ErrInvalidInput)
		}
		testHostileHosts(t)
	}},
	{id: "F24-expired", run: func(t *testing.T) {
		s := session()
		s.ValidUntil = time.Now().Add(-time.Second)
		wantSessionError(t, s, edis.ErrSessionExpired, edis.ErrNotSent)
		synctest.Test(t, func(t *testing.T) { // the clock stands still, so the session expires at this instant
			s.ValidUntil = time.Now()
			wantErrorIs(t, newClient(t, "").SetPTR(t.Context(), s, onePTR), edis.ErrSessionExpired, edis.ErrNotSent)
		})
	}},
	{id: "F25-valid-until", run: testValidUntil},
	{id: "F26-empty-session", run: func(t *testing.T) {
		for _, change := range []func(*edis.Session){
			func(s *edis.Session) { s.Signature = "" },
			func(s *edis.Session) { s.Signature = strings.Repeat(s.Signature, 200) },
			func(s *edis.Session) { s.Signature += "\xff" },
			func(s *edis.Session) { s.KVMID = "" },
			func(s *edis.Session) { s.ValidUntil = time.Time{} },
			func(s *edis.Session) { *s = edis.Session{} },
		} {
			s := session()
			change(&s)
			wantSessionError(t, s, edis.ErrInvalidInput)
		}
	}},
	{id: "F27-nil", run: func(t *testing.T) {
		client := newClient(t, "http://127.0.0.1:1")
		wantErrorIs(t, client.SetPTR(nil, session(), onePTR), edis.ErrInvalidInput) //nolint:staticcheck // a nil context is the fault
		wantErrorIs(t, client.SetPTR(t.Context(), nil, onePTR), edis.ErrInvalidInput)
		wantErrorIs(t, client.SetPTR(t.Context(), (*edis.Session)(nil), onePTR), edis.ErrInvalidInput)
		if _, err := edis.NewClient(nil); err != nil {
			t.Errorf("NewClient(nil) = %v, want the defaults", err)
		}
	}},
	{id: "F28-map-changes", run: func(t *testing.T) {
		ptrs := maps.Clone(onePTR)
		source := sourceFunc(func(context.Context) (edis.Session, error) {
			ptrs[addr("192.0.2.99")] = "late.example" // after the call has begun
			return session(), nil
		})
		s, ip := captureIP(t)
		if err := newClient(t, s.URL).SetPTR(t.Context(), source, ptrs); err != nil {
			t.Fatal(err)
		}
		if got, want := <-ip, `{"192.0.2.10":"mail.example.com"}`; got != want {
			t.Errorf("SetPTR sent ip = %s, want %s", got, want)
		}
	}},
	{id: "F29-context-done", run: func(t *testing.T) {
		s := serve(t, succeed)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := newClient(t, s.URL).SetPTR(ctx, session(), onePTR)
		wantErrorIs(t, err, edis.ErrNotSent)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("errors.Is(%v, context.Canceled) = false, want true", err)
		}
		wantRequests(t, s, 0)
	}},
}

// wantInvalid fails the test unless SetPTR rejects ptrs with an InputError and sends
// nothing.
func wantInvalid(t *testing.T, ptrs map[netip.Addr]string) {
	t.Helper()
	s := serve(t, succeed)
	err := setPTR(t, s, ptrs)
	if err == nil {
		t.Fatalf("SetPTR(%v) = nil, want ErrInvalidInput", ptrs)
	}
	wantErrorIs(t, err, edis.ErrInvalidInput)
	if input := new(edis.InputError); !errors.As(err, &input) || input.Reason == "" || input.Field == "" {
		t.Errorf("SetPTR(%v) = %v, want an InputError with a field and a reason", ptrs, err)
	}
	wantRequests(t, s, 0)
}

func wantInvalidAddress(t *testing.T, text string) {
	t.Helper()
	wantInvalid(t, map[netip.Addr]string{addr(text): "a.example"})
}

// wantInvalidNames returns a test that SetPTR rejects each of these host names.
func wantInvalidNames(names ...string) func(*testing.T) {
	return func(t *testing.T) {
		t.Helper()
		for _, name := range names {
			wantInvalid(t, map[netip.Addr]string{addr("192.0.2.1"): name})
		}
	}
}

// captureIP starts a service that sends the form field ip of each request on the
// channel.
func captureIP(t *testing.T) (*service, <-chan string) {
	t.Helper()
	ip := make(chan string, 1)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		form, err := url.ParseQuery(string(body))
		if err != nil {
			t.Errorf("ParseQuery(%q) = %v", body, err)
		}
		ip <- form.Get("ip")
		succeed(w, r)
	})
	return s, ip
}

func sentIP(t *testing.T, ptrs map[netip.Addr]string, change ...func(*edis.Options)) string {
	t.Helper()
	s, ip := captureIP(t)
	if err := setPTR(t, s, ptrs, change...); err != nil {
		t.Fatalf("SetPTR(%v) = %v", ptrs, err)
	}
	wantRequests(t, s, 1)
	return <-ip
}

// wantIP fails the test unless SetPTR sends want in the form field ip.
func wantIP(t *testing.T, ptrs map[netip.Addr]string, want string) {
	t.Helper()
	if got := sentIP(t, ptrs); got != want {
		t.Errorf("SetPTR(%v) sent ip = %s, want %s", ptrs, got, want)
	}
}

// wantName fails the test unless SetPTR sends the host name as want.
func wantName(t *testing.T, name, want string) {
	t.Helper()
	wantIP(t, map[netip.Addr]string{addr("192.0.2.1"): name}, `{"192.0.2.1":"`+want+`"}`)
}

func wantInvalidURLs(t *testing.T, urls ...string) {
	t.Helper()
	for _, u := range urls {
		_, err := edis.NewClient(&edis.Options{RDNSURL: u})
		wantErrorIs(t, err, edis.ErrInvalidInput)
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("NewClient = %v, want an error without the password", err)
		}
	}
}

func wantValidURLs(t *testing.T, urls ...string) {
	t.Helper()
	for _, u := range urls {
		if _, err := edis.NewClient(&edis.Options{RDNSURL: u}); err != nil {
			t.Errorf("NewClient with RDNSURL %q = %v", u, err)
		}
	}
}

// A response that echoes the longest valid signature is withheld.
func TestLongestSignatureIsRedacted(t *testing.T) {
	t.Parallel()
	s := session()
	s.Signature = strings.Repeat("é+", 341)
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		form, _ := io.ReadAll(r.Body)
		respondWith(500, "text/html", string(form))(w, r)
	})
	err := newClient(t, server.URL).SetPTR(t.Context(), s, onePTR)
	if text := fmt.Sprint(err); strings.Contains(text, "%C3%A9%2B") || !strings.Contains(text, "text withheld") {
		t.Errorf("SetPTR = %s, want an error with %q", text, "text withheld")
	}
}

// wantSessionError fails the test unless SetPTR returns an error for the session that
// matches exactly the wanted sentinels, and sends nothing.
func wantSessionError(t *testing.T, s edis.Session, want ...error) {
	t.Helper()
	server := serve(t, succeed)
	wantErrorIs(t, newClient(t, server.URL).SetPTR(t.Context(), s, onePTR), want...)
	wantRequests(t, server, 0)
}

func TestSetPTRReportsEveryInvalidItem(t *testing.T) {
	t.Parallel()
	s := serve(t, succeed)
	err := setPTR(t, s, map[netip.Addr]string{
		addr("192.0.2.1"):   "mail_1.example.com",
		addr("192.0.2.2"):   "good.example.com",
		addr("192.0.2.3"):   "*.example.com",
		addr("224.0.0.1"):   "multi.example.com",
		addr("2001:db8::1"): "a..b",
	})
	wantErrorIs(t, err, edis.ErrInvalidInput)
	wantRequests(t, s, 0)
	for _, line := range []string{
		`"mail_1.example.com" for 192.0.2.1: underscore in a host name (Options.AllowUnderscore permits it)`,
		`"*.example.com" for 192.0.2.3: character '*'; a host name has only letters, digits, hyphens and dots`,
		`"224.0.0.1" for address: multicast address`,
		`"a..b" for 2001:db8::1: empty label: two dots in a row, or one at the beginning`,
	} {
		if !strings.Contains(err.Error()+"\n", line+"\n") {
			t.Errorf("SetPTR = %v\nwant an error with the line %q", err, line)
		}
	}
	if strings.Contains(err.Error(), "good") {
		t.Errorf("SetPTR = %v\nwant an error without valid items", err)
	}
}
