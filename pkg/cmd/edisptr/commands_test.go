package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/edisptr/edis-go/pkg/edistest"
)

// withLogin returns a copy of env without a session, so that commands log in.
func withLogin(env map[string]string) map[string]string {
	env = maps.Clone(env)
	for _, name := range []string{"EDIS_SIGNATURE", "EDIS_VALID_UNTIL", "EDIS_API_HOST", "EDIS_KVM_ID"} {
		delete(env, name)
	}
	return env
}

func writeFile(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// countWrites returns the number of requests that set or delete records.
func countWrites(server *edistest.Server) (count int) {
	for _, request := range server.Requests() {
		if request.Path == "/set/ptr" || request.Path == "/del/ptr" {
			count++
		}
	}
	return count
}

func TestServers(t *testing.T) {
	t.Parallel()
	server, env := startSandbox(t)
	server.AddAccount(edistest.Account{Email: "a@example.com", Password: "p+&=% ä", KVMs: []edistest.KVM{
		{ID: "kvm_2", Description: "second\x1b[2J", Suspended: true}, {ID: "kvm_1", PrimaryIP: netip.MustParseAddr("192.0.2.7")},
	}})
	env["EDIS_EMAIL"], env["EDIS_PASSWORD"] = "a@example.com", ""
	env["EDIS_PASSWORD_FILE"] = writeFile(t, "password", "p+&=% ä\n")
	got := run(t, env, "servers")
	if got.status != 0 || !strings.Contains(got.stdout, "kvm_1   192.0.2.7   ") || !strings.Contains(got.stdout, "yes        second [2J") {
		t.Errorf("servers = %+v, want status 0, kvm_1 and the suspended kvm_2", got)
	}
	got = run(t, env, "servers", "-o", "json")
	var list struct{ Servers []serverInfo }
	if err := json.Unmarshal([]byte(got.stdout), &list); err != nil || len(list.Servers) != 2 || !list.Servers[1].Suspended || list.Servers[0].PrimaryIP != "192.0.2.7" {
		t.Errorf("servers -o json = %+v (%v), want kvm_1 and the suspended kvm_2", got, err)
	}
	env["EDIS_PASSWORD"] = "hunter2-wrong"
	if got := run(t, env, "servers"); got.status != 1 || !strings.Contains(got.stderr, "401") || strings.Contains(got.stderr, "hunter2") {
		t.Errorf("servers with a wrong password = %+v, want status 1 and 401 without the password", got)
	}
	server.Fail("createAuthSession", edistest.Fault{Status: 401, Body: `{"message":"a@example.com does not have the password hunter2-wrong"}`})
	if got := run(t, env, "servers", "--verbose"); got.status != 1 || !strings.Contains(got.stderr, "401") || !strings.Contains(got.stderr, "withheld") || strings.Contains(got.stderr, "hunter2") {
		t.Errorf("servers with a password that the service echoes = %+v, want status 1 and 401 without the password", got)
	}
	env["EDIS_PASSWORD"], env["EDIS_PASSWORD_FILE"] = "", "/does/not/exist"
	if got := run(t, env, "servers"); got.status != 2 || !strings.Contains(got.stderr, "EDIS_PASSWORD_FILE") {
		t.Errorf("servers with a missing password file = %+v, want status 2 and EDIS_PASSWORD_FILE in stderr", got)
	}
}

// The service may show a record late.
func TestSetConfirm(t *testing.T) {
	t.Parallel()
	server, env := startSandbox(t)
	server.SetLag(100 * time.Millisecond)
	if got := run(t, env, "set", "--confirm", "192.0.2.10=Mail.example.com"); got.status != 0 || !strings.Contains(got.stdout, "set") {
		t.Errorf("set --confirm = %+v, want status 0 and a set record", got)
	}
}

const zoneFile = `$ORIGIN 2.0.192.in-addr.arpa.
$TTL 1h
@	IN SOA ns.example. hostmaster.example. 1 3600 600 86400 60
	IN NS ns.example.
10	IN PTR mail.example.com.
11	PTR www.example.com.
`

func TestApplyReadsFiles(t *testing.T) {
	t.Parallel()
	want := map[netip.Addr]string{netip.MustParseAddr("192.0.2.10"): "mail.example.com", netip.MustParseAddr("192.0.2.11"): "www.example.com"}
	for name, content := range map[string]string{
		"zone.db":      zoneFile,
		"full.zone":    "10.2.0.192.in-addr.arpa. 60 IN PTR mail.example.com.\n11.2.0.192.IN-ADDR.ARPA. IN PTR www.example.com.\n",
		"ptr.yaml":     "# comment\n192.0.2.10: mail.example.com\n\"192.0.2.11\": WWW.example.com.\n",
		"bom.yaml":     "\ufeff192.0.2.10: mail.example.com\n192.0.2.11: www.example.com\n",
		"class.zone":   "12.2.0.192.in-addr.arpa. 60 CH PTR c.example.\n10.2.0.192.in-addr.arpa. 60 IN PTR mail.example.com.\n11.2.0.192.in-addr.arpa. IN PTR www.example.com.\n",
		"ptr.json":     `{"192.0.2.10": "mail.example.com", "::ffff:192.0.2.11": "www.example.com"}`,
		"servers.yaml": "kvm_123456_789012:\n  192.0.2.10: mail.example.com\n  192.0.2.11: www.example.com\n",
	} {
		server, env := startSandbox(t)
		if got := run(t, env, "apply", "-f", writeFile(t, name, content), "--yes"); got.status != 0 || !strings.Contains(got.stdout, "+ 192.0.2.10 mail.example.com\n") {
			t.Errorf("apply -f %s = %+v, want status 0 and a diff", name, got)
		}
		if got := server.PTRs(); !maps.Equal(got, want) {
			t.Errorf("records after apply -f %s = %v, want %v", name, got, want)
		}
	}
	server, env := startSandbox(t)
	ip6 := "$ORIGIN 8.b.d.0.1.0.0.2.ip6.arpa.\n0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 IN PTR mail.example.com.\n"
	var stdout, stderr bytes.Buffer
	status := exec(t.Context(), []string{"apply", "-f", "-", "--yes"}, strings.NewReader(ip6), &stdout, &stderr, func(name string) string { return env[name] })
	if got := server.PTRs()[netip.MustParseAddr("2001:db8::10")]; status != 0 || got != "mail.example.com" {
		t.Errorf("apply -f - with an IPv6 zone = %d, record %q, want 0 and mail.example.com\n%s%s", status, got, &stdout, &stderr)
	}
}

func TestApplyInvalidFiles(t *testing.T) {
	t.Parallel()
	server, env := startSandbox(t)
	for content, wants := range map[string][]string{
		"":                 {"no records"},
		"- 192.0.2.1\n":    {"line 1", "map"},
		"192.0.2.1: [a]\n": {"line 1", "192.0.2.1"},
		"{":                {"not YAML"},
		"192.0.2.300: a\n192.0.2.1: a_b\n224.0.0.1: c\n":                       {"line 1", "192.0.2.300", "line 2", "a_b", "--allow-underscore", "line 3", "multicast"},
		"192.0.2.1: a.\n::ffff:192.0.2.1: b.\n":                                {"line 2", "duplicate address"},
		"192.0.2.1: a.\n192.0.2.1: b.\n":                                       {"duplicate address"},
		"kvm_other:\n  192.0.2.1: a.\n":                                        {`"kvm_other" for KVM ID: the account has the KVM servers kvm_123456_789012 (mail server)`},
		"$ORIGIN example.com.\n10 IN PTR a.example.\n":                         {"10.example.com.", "$ORIGIN"},
		"192.0.2.1: true\n192.0.2.2: ''\n":                                     {"line 1", "line 2", "host name string"},
		"192.0.2.1: a\n---\n192.0.2.2: b\n":                                    {"more than one"},
		"192.0.2.1: a.\nkvm_123456_789012: {192.0.2.1: b.}\n":                  {"line 2", "duplicate address"},
		"$ORIGIN 2.0.192.in-addr.arpa.\n10 1 IN PTR a.example.\n11 1 IN PTR\n": {"11.2.0.192.in-addr.arpa.", "no host name"},
		"$ORIGIN 2.0.192.in-addr.arpa.\n10 1 IN PTR mail.example.com\n":        {"trailing dot"},
		"$TTL x\n":    {"zone file"},
		"10 IN PTR\n": {"zone file"},
		"1.2.0.192.in-addr.arpa. 1 IN PTR a_b.\n1.2.0.192.in-addr.arpa. 1 IN PTR c.\n1.2.0.192.in-addr.arpa. 1 IN PTR d.\n": {"underscore", "duplicate address"},
		"01.2.0.192.in-addr.arpa. 1 IN PTR a.\n": {"not the reverse name"},
	} {
		got := run(t, env, "apply", "-f", writeFile(t, "f", content), "--yes")
		for _, want := range wants {
			if got.status != 2 || !strings.Contains(got.stderr, want) {
				t.Errorf("apply of %q = %+v, want status 2 and %q in stderr", content, got, want)
			}
		}
	}
	if n := countWrites(server); n != 0 {
		t.Errorf("got %d writes, want 0", n)
	}
}

// An apply of 5,000 addresses that is interrupted halfway and run again sets all
// of them. Only the interrupted batch may be sent twice.
func TestApplyResumes(t *testing.T) {
	t.Parallel()
	server, env := startSandbox(t)
	var content strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&content, "10.1.%d.%d: h%d.example\n", i/250, i%250, i)
	}
	records := writeFile(t, "f", content.String())
	server.SetDelay(10 * time.Millisecond) // or the end may come before the interrupt
	ctx, interrupt := context.WithCancel(t.Context())
	go func() {
		for len(server.PTRs()) < 2500 {
			time.Sleep(time.Millisecond)
		}
		interrupt()
	}()
	var stdout, stderr bytes.Buffer
	status := exec(ctx, []string{"apply", "-f", records, "--yes"}, strings.NewReader(""), &stdout, &stderr, func(name string) string { return env[name] })
	half := len(server.PTRs())
	if status != 3 || half < 2500 || half == 5000 || !strings.Contains(stdout.String(), "  skipped\n") {
		t.Errorf("interrupted apply = %d with %d records set, want 3 and 2500 to 4999; stderr %s", status, half, &stderr)
	}
	if reported := strings.Count(stdout.String(), "  set\n"); reported > half || reported < half-100 {
		t.Errorf("apply reported %d records as set, want %d", reported, half)
	}
	if got := run(t, env, "apply", "-f", records, "--yes"); got.status != 0 {
		t.Errorf("second apply = %d, want 0; stderr %s", got.status, got.stderr)
	}
	if n := len(server.PTRs()); n != 5000 {
		t.Errorf("got %d records, want 5000", n)
	}
	sent := make(map[string]int)
	for _, request := range server.Requests() {
		if request.Path == "/set/ptr" {
			var names map[string]string
			if err := json.Unmarshal([]byte(request.Form.Get("ip")), &names); err != nil {
				t.Fatal(err)
			}
			for ip := range names {
				sent[ip]++
			}
		}
	}
	for ip, times := range sent {
		if times > 2 {
			t.Errorf("%s was set %d times, want at most 2", ip, times)
		}
	}
}
