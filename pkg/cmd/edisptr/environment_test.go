package main

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/edistest"
)

// --timeout limits each request of a command, whether a login or a call.
func TestTimeoutReachesClient(t *testing.T) {
	t.Parallel()
	server, env := startSandbox(t)
	server.SetDelay(10 * time.Second)
	for _, command := range [][]string{{"servers"}, {"get", "192.0.2.1"}} {
		started := time.Now()
		got := run(t, env, append(command, "--timeout", "50ms")...)
		if took := time.Since(started); got.status != 1 || took > 5*time.Second || !strings.Contains(got.stderr, "deadline exceeded") {
			t.Errorf("%q --timeout 50ms = %+v after %v, want status 1 after 50ms and a few pauses", command, got, took)
		}
	}
}

// EDIS_API_HOST is sent with the session that it belongs to.
func TestAPIHostIsSent(t *testing.T) {
	t.Parallel()
	server, env := startSandbox(t)
	for _, host := range []string{"9.edis.example", ""} {
		if got := run(t, with(env, "EDIS_API_HOST", host), "get", "192.0.2.1"); got.status != 0 {
			t.Errorf("get with EDIS_API_HOST %q = %+v, want status 0", host, got)
		}
		requests := server.Requests()
		if form := requests[len(requests)-1].Form; form.Get("api_host") != host || form.Has("api_host") != (host != "") {
			t.Errorf("get with EDIS_API_HOST %q sends %v", host, form)
		}
	}
	if got := run(t, with(env, "EDIS_API_HOST", "evil.example/x"), "get", "192.0.2.1"); got.status != 2 || !strings.Contains(got.stderr, "EDIS_API_HOST") {
		t.Errorf("get with a hostile EDIS_API_HOST = %+v, want status 2 and its name in stderr", got)
	}
}

// JSON is for programs and people, not for web pages, so HTML is not escaped.
func TestJSONHasNoHTMLEscapes(t *testing.T) {
	t.Parallel()
	server, env := startSandbox(t)
	server.AddAccount(edistest.Account{Email: "a@example.com", Password: "p", KVMs: []edistest.KVM{{ID: "kvm_1", Description: `R&D <"mail">`}}})
	env["EDIS_EMAIL"], env["EDIS_PASSWORD"] = "a@example.com", "p"
	if got := run(t, env, "servers", "-o", "json"); got.status != 0 || !strings.Contains(got.stdout, `"R&D <\"mail\">"`) {
		t.Errorf("servers -o json = %+v, want the description as it is", got)
	}
}

// Records are printed in the order of their addresses, and both in canonical form.
func TestCanonicalOutput(t *testing.T) {
	t.Parallel()
	_, env := startSandbox(t)
	want := result{stdout: `IP            NAME                   STATE
192.0.2.9     mail.example.com       set
192.0.2.10    xn--bcher-kva.example  set
2001:db8::10  mail.example.com       set
`}
	if got := run(t, env, "set", "2001:DB8:0::10=Mail.Example.COM.", "192.0.2.10=Bücher.example", "::ffff:192.0.2.9=MAIL.example.com"); got != want {
		t.Errorf("set = %+v\nwant %+v", got, want)
	}
	args := []string{"2001:DB8:0::10", "192.0.2.100", "192.0.2.10", "::ffff:192.0.2.9"}
	want.stdout = `IP            NAME                   STATE
192.0.2.9     mail.example.com       present
192.0.2.10    xn--bcher-kva.example  present
192.0.2.100                          absent
2001:db8::10  mail.example.com       present
`
	if got := run(t, env, append([]string{"get"}, args...)...); got != want {
		t.Errorf("get = %+v\nwant %+v", got, want)
	}
	got := run(t, env, append([]string{"get", "-o", "json"}, args...)...)
	var list serverRecords
	if err := json.Unmarshal([]byte(got.stdout), &list); err != nil || len(list.Records) != 4 {
		t.Fatalf("get -o json = %+v (%v), want 4 records", got, err)
	}
	for i, want := range []recordState{
		{IP: netip.MustParseAddr("192.0.2.9"), Name: "mail.example.com", State: statePresent},
		{IP: netip.MustParseAddr("192.0.2.10"), Name: "xn--bcher-kva.example", State: statePresent},
		{IP: netip.MustParseAddr("192.0.2.100"), State: stateAbsent},
		{IP: netip.MustParseAddr("2001:db8::10"), Name: "mail.example.com", State: statePresent},
	} {
		if list.Records[i] != want {
			t.Errorf("get -o json: record %d = %+v, want %+v", i, list.Records[i], want)
		}
	}
	if got := run(t, env, "delete", "::ffff:192.0.2.9"); got.status != 0 || !strings.Contains(got.stdout, "\n192.0.2.9        deleted\n") {
		t.Errorf("delete = %+v, want 192.0.2.9 deleted", got)
	}
}

// The end of a session is printed in UTC, whatever the zone of the machine.
func TestServersPrintUTC(t *testing.T) {
	t.Parallel()
	session := edis.Session{ValidUntil: time.Date(2025, 1, 21, 17, 13, 20, 0, time.FixedZone("", 3600))}
	if got, want := newServerInfo(session).ValidUntil, "2025-01-21T16:13:20Z"; got != want {
		t.Errorf("newServerInfo(%v).ValidUntil = %s, want %s", session, got, want)
	}
	server, env := startSandbox(t)
	server.SetClock(func() time.Time { return time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC) })
	if got := run(t, env, "servers"); got.status != 0 || !strings.Contains(got.stdout, "2100-01-02T00:00:00Z") {
		t.Errorf("servers = %+v, want a session until 2100-01-02T00:00:00Z", got)
	}
}

// The zone of an address does not reach a terminal unescaped.
func TestZoneIsNotPrinted(t *testing.T) {
	t.Parallel()
	_, env := startSandbox(t)
	const zoned = "fe80::1%\x1b[2J\u202e"
	for _, args := range [][]string{
		{"get", zoned}, {"delete", zoned}, {"set", zoned + "=a.example"}, {"set", zoned + "=a b"}, {"check", "--resolver", env["EDIS_DNS"], zoned},
		{"apply", "--yes", "-f", writeFile(t, "f", `"fe80::1%\e[2J\u202e": a.example`)},
	} {
		if got := run(t, env, args...); got.status == 0 || strings.ContainsAny(got.stdout+got.stderr, "\x1b\u202e") {
			t.Errorf("%q = %+v, want an error without control and format characters", args, got)
		}
	}
}

// --timeout limits the lookups of check, also those on the DNS servers of the system.
func TestTimeoutReachesSystemDNS(t *testing.T) {
	t.Parallel()
	client, err := (&app{timeout: 7 * time.Second}).dnsClient("")
	if err != nil || client.Timeout != 7*time.Second {
		t.Errorf("dnsClient(\"\") = %+v, %v, want one with a timeout of 7s", client, err)
	}
}
