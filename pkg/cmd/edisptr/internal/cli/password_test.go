package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/edisptr/edis-go/pkg/edistest"
)

func TestReadPasswordFile(t *testing.T) {
	t.Parallel()
	quiet := tool{IO{Err: io.Discard}, &globalFlags{quiet: true}}
	longest := strings.Repeat("x", maxPasswordFile)
	for content, want := range map[string]string{
		"secret":                        "secret",
		"secret\n":                      "secret",
		"secret\nsecond line\n":         "secret",
		"two words\r\n":                 "two words",
		"a\rb\r\n":                      "a\rb",
		" \tblanks around \t\n":         " \tblanks around \t",
		"p+&=% ä\ufeff\n":               "p+&=% ä\ufeff",
		longest:                         longest,
		longest[:len(longest)-1] + "\n": longest[:len(longest)-1],
	} {
		if got, err := quiet.readPasswordFile(t.Context(), writeFile(t, "password", content)); got != want || err != nil {
			t.Errorf("readPasswordFile of %.40q = %.40q, %v, want %.40q", content, got, err, want)
		}
	}
	for content, want := range map[string]string{
		"":               "empty first line",
		"\r\n":           "empty first line",
		"\nsecret\n":     "empty first line",
		"\ufeffsecret\n": "byte order mark",
		"\xff\xfes\x00":  "byte order mark",
		"\xfe\xff\x00s":  "byte order mark",
		longest + "\n":   "more than 65536 bytes",
	} {
		file := writeFile(t, "password", content)
		got, err := quiet.readPasswordFile(t.Context(), file)
		if got != "" || err == nil || !isInput(err) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), file) || strings.Contains(err.Error(), "secret") {
			t.Errorf("readPasswordFile of %.40q = %.40q, %v, want an input error with %q, the file and no password", content, got, err, want)
		}
	}
}

// A pipe has the password only once, but apply calls the service for several servers. A
// pipe is no file that others can read.
func TestPasswordPipe(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/dev/fd"); err != nil {
		t.Skip("needs /dev/fd")
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reader.Close() })
	if _, err := writer.WriteString("fleet-password\n"); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	_, env := startFleet(t, 3)
	env["EDIS_PASSWORD"], env["EDIS_PASSWORD_FILE"] = "", fmt.Sprintf("/dev/fd/%d", reader.Fd())
	file := writeFile(t, "f", "198.18.0.0: a.example\n2001:db8:0:2::1: b.example\n")
	if got := run(t, env, "apply", "--yes", "-f", file); got.status != 0 || got.stderr != "" {
		t.Errorf("apply with a password from a pipe = %+v, want status 0 and nothing on standard error", got)
	}
}

// A password may have characters that forms escape. Of the account, nothing secret and
// nothing unprintable is shown.
func TestServersOfOddAccount(t *testing.T) {
	t.Parallel()
	server, env := startSandbox(t)
	server.AddAccount(edistest.Account{Email: "a@example.com", Password: "p+&=% ä", KVMs: []edistest.KVM{{ID: "kvm_2", Description: "R&D\x1b[2J\u202e", Suspended: true}, {ID: "kvm_1"}}})
	env["EDIS_EMAIL"], env["EDIS_PASSWORD"] = "a@example.com", "p+&=% ä"
	got := run(t, env, "servers")
	if got.status != 0 || !strings.Contains(got.stdout, "\nkvm_1 ") || !strings.Contains(got.stdout, "yes        R&D [2J") || strings.ContainsAny(got.stdout, "\x1b\u202e") {
		t.Errorf("servers = %+v, want kvm_1 and the suspended kvm_2, all printable", got)
	}
	if got := run(t, env, "servers", "-o", "json"); got.status != 0 || !strings.Contains(got.stdout, `"R&D `) || strings.ContainsAny(got.stdout, "\x1b\u202e") {
		t.Errorf("servers -o json = %+v, want a description without escapes of HTML", got)
	}
}
