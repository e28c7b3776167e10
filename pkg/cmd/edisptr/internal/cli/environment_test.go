package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
)

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
}

// The end of a session is printed in UTC, whatever the zone of the machine.
func TestServersPrintUTC(t *testing.T) {
	t.Parallel()
	session := edis.Session{ValidUntil: time.Date(2025, 1, 21, 17, 13, 20, 0, time.FixedZone("", 3600)), Signature: "x"}
	if got, want := newServerJSON(session).ValidUntil, "2025-01-21T16:13:20Z"; got != want {
		t.Errorf("newServerJSON(%v).ValidUntil = %s, want %s", session, got, want)
	}
}

func TestClockOfService(t *testing.T) {
	t.Parallel()
	at := func(off time.Duration) string {
		return time.Now().Add(off).UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")
	}
	for date, want := range map[string]string{at(0): findingOK, at(time.Minute): findingOK, at(time.Hour): findingFailed, at(-time.Hour): findingFailed, "": findingNote, "today": findingNote} {
		var d diagnosis
		if d.addClock(date); d.findings[0].Result != want {
			t.Errorf("addClock(%q) = %+v, want %s", date, d.findings, want)
		}
	}
}

// A report has the names of known fields only: others may be those of servers.
func TestFieldsOfResponse(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"status":"success","records":[]}`:         "{records, status}",
		`{"data":{"ptr":{}},"status":"success"}`:    "{data.ptr, status}",
		`{"data":{"kvm_1":{}}}`:                     "{data}",
		`{"mail.example.com":1,"192.0.2.1":2}`:      "{(other)}",
		`{"error":"a","code":1,"msg":"","other":1}`: "{code, error, msg, (other)}",
		`[]`: "no JSON object", ``: "no JSON object", `<html>`: "no JSON object",
	} {
		if got := fieldsOf([]byte(body)); got != want {
			t.Errorf("fieldsOf(%s) = %s, want %s", body, got, want)
		}
	}
}

// The sandbox in a terminal or in cron prints what a shell can evaluate.
func TestShellQuote(t *testing.T) {
	t.Parallel()
	const value = `it's a "$HOME" \ value`
	got := run(t, nil, "sandbox", "--", "sh", "-c", "printf %s "+shellQuote(value))
	if strings.Contains(got.stderr, "not found") {
		t.Skip("needs a POSIX shell")
	}
	if got.stdout != value {
		t.Errorf("printf %%s %s = %q, want %q", shellQuote(value), got.stdout, value)
	}
}
