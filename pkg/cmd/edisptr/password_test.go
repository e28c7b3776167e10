package main

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/edisptr/edis-go/pkg/edistest"
)

func TestReadPassword(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("x", maxPasswordFile)
	for content, want := range map[string]string{
		"secret":                        "secret",
		"secret\n":                      "secret",
		"two words\r\n":                 "two words",
		" \tblanks around \t\n":         " \tblanks around \t",
		"p+&=% ä\ufeff\n":               "p+&=% ä\ufeff",
		longest:                         longest,
		longest[:len(longest)-1] + "\n": longest[:len(longest)-1],
	} {
		if got, err := readPassword(t.Context(), writeFile(t, "password", content)); got != want || err != nil {
			t.Errorf("readPassword of %.40q = %.40q, %v, want %.40q", content, got, err, want)
		}
	}
	for content, want := range map[string]string{
		"":                "is empty",
		"\r\n":            "is empty",
		"\ufeffsecret\n":  "byte order mark",
		"\ufeff":          "byte order mark",
		"\xff\xfes\x00":   "byte order mark",
		"\xfe\xff\x00s":   "byte order mark",
		longest + "\n":    "more than 65536 bytes",
		longest + longest: "more than 65536 bytes",
	} {
		file := writeFile(t, "password", content)
		got, err := readPassword(t.Context(), file)
		if got != "" || err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), file) || strings.Contains(err.Error(), "secret") {
			t.Errorf("readPassword of %.40q = %.40q, %v, want an error with %q, the file and no password", content, got, err, want)
		}
	}
}

// The password in a file is used byte for byte, without the line end.
func TestPasswordFileLogsIn(t *testing.T) {
	t.Parallel()
	server, env := startSandbox(t)
	server.AddAccount(edistest.Account{Email: "a@example.com", Password: " two  words ", KVMs: []edistest.KVM{{ID: "kvm_1"}}})
	env = withLogin(env)
	env["EDIS_EMAIL"], env["EDIS_PASSWORD"] = "a@example.com", ""
	env["EDIS_PASSWORD_FILE"] = writeFile(t, "password", " two  words \r\n")
	if got := run(t, env, "servers"); got.status != 0 || !strings.Contains(got.stdout, "kvm_1") {
		t.Errorf("servers = %+v, want status 0 and kvm_1", got)
	}
	env["EDIS_PASSWORD_FILE"] = writeFile(t, "password", "\n")
	got := run(t, env, "servers")
	if want := `for EDIS_PASSWORD_FILE: is empty`; got.status != 2 || !strings.Contains(got.stderr, want) || strings.Contains(got.stderr, "EDIS_PASSWORD:") {
		t.Errorf("servers with an empty password file = %+v, want status 2 and only %q", got, want)
	}
}

// A pipe has the password only once, but apply logs in to each server. With a
// session, the file is not read.
func TestApplyReadsPasswordOnce(t *testing.T) {
	t.Parallel()
	server, env := startSandbox(t)
	server.AddAccount(edistest.Account{Email: "a@example.com", Password: "secret", KVMs: []edistest.KVM{
		{ID: "kvm_1", Addresses: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}},
		{ID: "kvm_2", Addresses: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}},
	}})
	login := withLogin(env)
	login["EDIS_EMAIL"], login["EDIS_PASSWORD"] = "a@example.com", ""
	login["EDIS_PASSWORD_FILE"] = passwordPipe(t, "secret\n")
	records := writeFile(t, "f", "kvm_1:\n  198.51.100.1: a.example\nkvm_2:\n  203.0.113.1: b.example\n")
	if got := run(t, login, "apply", "--yes", "-f", records); got.status != 0 {
		t.Errorf("apply = %+v, want status 0", got)
	}
	env["EDIS_PASSWORD_FILE"] = "/does/not/exist"
	records = writeFile(t, "f", "192.0.2.1: a.example\n")
	if got := run(t, with(env, "EDIS_PASSWORD", ""), "apply", "--yes", "-f", records); got.status != 0 {
		t.Errorf("apply with a session and no password file = %+v, want status 0", got)
	}
	if got := run(t, withLogin(env), "servers"); got.status != 0 {
		t.Errorf("servers with EDIS_PASSWORD and no password file = %+v, want status 0", got)
	}
}

// passwordPipe returns a path under which content can be read once.
func passwordPipe(t *testing.T, content string) string {
	t.Helper()
	if _, err := os.Stat("/dev/fd"); err != nil {
		t.Skip("needs /dev/fd")
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reader.Close() })
	if _, err := writer.WriteString(content); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("/dev/fd/%d", reader.Fd())
}
