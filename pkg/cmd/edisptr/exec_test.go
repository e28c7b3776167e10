package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/edisptr/edis-go/pkg/edistest"
)

// result is the outcome of a run of edisptr.
type result struct {
	status         int
	stdout, stderr string
}

func run(t testing.TB, env map[string]string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status := exec(t.Context(), args, strings.NewReader(""), &stdout, &stderr, func(name string) string { return env[name] })
	return result{status, stdout.String(), stderr.String()}
}

// TestMain runs all tests in both forms of responses, since the service may use either;
// or it is edisptr, in the scripts of TestScripts.
func TestMain(m *testing.M) {
	testscript.Main(inBothDialects{m}, map[string]func(){"edisptr": main})
}

type inBothDialects struct{ *testing.M }

func (m inBothDialects) Run() (status int) {
	for _, dialect = range []edistest.Dialect{edistest.Documented, edistest.Recorded} {
		if status = m.M.Run(); status != 0 {
			fmt.Printf("with dialect %d\n", dialect)
			break
		}
	}
	return status
}

var dialect edistest.Dialect

// startEDIS starts a fake EDIS.
func startEDIS(t testing.TB) *edistest.Server {
	t.Helper()
	server := edistest.NewServer()
	t.Cleanup(server.Close)
	server.SetDialect(dialect)
	return server
}

// startSandbox starts a fake EDIS and returns the environment for using it.
func startSandbox(t testing.TB) (*edistest.Server, map[string]string) {
	t.Helper()
	server := startEDIS(t)
	env := make(map[string]string)
	for _, variable := range sandboxEnvironment(server) {
		env[variable.name] = variable.value
	}
	return server, env
}

// with returns a copy of env with one variable set.
func with(env map[string]string, name, value string) map[string]string {
	env = maps.Clone(env)
	if env == nil {
		env = make(map[string]string)
	}
	env[name] = value
	return env
}

// respondWith starts a service with the same response to every request, and
// returns its URL.
func respondWith(t *testing.T, status int, body string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestSet(t *testing.T) {
	t.Parallel()
	server, env := startSandbox(t)
	got := run(t, env, "set", "192.0.2.10=mail.example.com", "2001:db8::10=mail.example.com")
	want := result{stdout: `IP            NAME              STATE
192.0.2.10    mail.example.com  set
2001:db8::10  mail.example.com  set
`}
	if got != want {
		t.Errorf("set = %+v, want %+v", got, want)
	}
	requests := server.Requests()
	if len(requests) != 1 {
		t.Fatalf("got %d requests, want 1", len(requests))
	}
	form, err := url.ParseQuery(requests[0].Body)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := form.Get("ip"), `{"192.0.2.10":"mail.example.com","2001:db8::10":"mail.example.com"}`; got != want {
		t.Errorf("ip = %s, want %s", got, want)
	}
}

func TestSetJSON(t *testing.T) {
	t.Parallel()
	_, env := startSandbox(t)
	got := run(t, env, "-o", "json", "set", "2001:db8::10=mail.example.com", "::ffff:192.0.2.10=mail.example.com")
	want := `{
  "kvm_id": "kvm_123456_789012",
  "records": [
    {
      "ip": "192.0.2.10",
      "name": "mail.example.com",
      "state": "set"
    },
    {
      "ip": "2001:db8::10",
      "name": "mail.example.com",
      "state": "set"
    }
  ]
}
`
	if got.status != 0 || got.stdout != want || got.stderr != "" {
		t.Errorf("set -o json = %+v, want stdout %s", got, want)
	}
}

func TestExitStatus(t *testing.T) {
	t.Parallel()
	_, env := startSandbox(t)
	failure := `{"status":"error","error":"because"}`
	for _, test := range []struct {
		name   string
		env    map[string]string
		args   []string
		status int
		stdout string // substring; empty for no output
		stderr string // substring; empty for no output
	}{
		{"rejected", with(env, "EDIS_RDNS_URL", respondWith(t, 400, failure)), []string{"set", "192.0.2.1=a.example"}, 1, "192.0.2.1  a.example  refused", "because; nothing changed"},
		{"unauthorized", with(env, "EDIS_SIGNATURE", "other"), []string{"set", "192.0.2.1=a.example"}, 1, "refused", "401"},
		{"expired", with(env, "EDIS_VALID_UNTIL", "1737476000"), []string{"set", "192.0.2.1=a.example"}, 1, "skipped", "expired at 2025-01-21T16:13:20Z"},
		{"not sent", with(env, "EDIS_RDNS_URL", "http://127.0.0.1:1"), []string{"set", "192.0.2.1=a.example"}, 1, "skipped", "nothing changed"},
		{"unknown", with(env, "EDIS_RDNS_URL", respondWith(t, 500, failure)), []string{"set", "192.0.2.1=a.example"}, 3, "192.0.2.1  a.example  unknown", "may have changed"},
		{"unknown in JSON", with(env, "EDIS_RDNS_URL", respondWith(t, 200, "{}")), []string{"set", "192.0.2.1=a.example", "-o", "json"}, 3, `"state": "unknown"`, "may have changed"},
		{"no session", with(nil, "EDIS_KVM_ID", "kvm_1"), []string{"set", "192.0.2.1=a.example"}, 2, "", "EDIS_EMAIL: not set, nor is EDIS_SIGNATURE"},
		{"bad valid_until", with(env, "EDIS_VALID_UNTIL", "tomorrow"), []string{"set", "192.0.2.1=a.example"}, 2, "", `"tomorrow" for EDIS_VALID_UNTIL`},
		{"bad URL", with(env, "EDIS_RDNS_URL", "http://example.com"), []string{"set", "192.0.2.1=a.example"}, 2, "", "for EDIS_RDNS_URL: http to another"},
		{"bad name", env, []string{"set", "192.0.2.1=a_b.example"}, 2, "", `"a_b.example" for 192.0.2.1: underscore`},
		{"duplicate address", env, []string{"set", "192.0.2.1=a.example", "192.0.2.1=b.example"}, 2, "", "duplicate address"},
		{"underscore allowed", env, []string{"set", "--allow-underscore", "192.0.2.1=a_b.example"}, 0, "set", ""},
		{"no argument", env, []string{"set"}, 2, "", "at least one IP=HOST"},
		{"unknown command", env, []string{"sett"}, 2, "", "unknown command"},
		{"unknown flag", env, []string{"set", "--fast", "192.0.2.1=a.example"}, 2, "", "--fast"},
		{"bad output", env, []string{"version", "-o", "xml"}, 2, "", "table or json"},
		{"bad timeout", env, []string{"version", "--timeout", "0s"}, 2, "", "--timeout"},
		{"help", nil, nil, 0, "Exit status:", ""},
		{"help about a command", nil, []string{"help", "set"}, 0, "--confirm", ""},
		{"help about an unknown command", nil, []string{"help", "nope"}, 2, "", `unknown command "nope"`},
		{"version", nil, []string{"version"}, 0, "edisptr ", ""},
		{"completion", nil, []string{"completion", "bash"}, 0, "complete", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := run(t, test.env, test.args...)
			if got.status != test.status {
				t.Errorf("exec(%q) = %d, want %d", test.args, got.status, test.status)
			}
			if !strings.Contains(got.stdout, test.stdout) || (test.stdout == "") != (got.stdout == "") {
				t.Errorf("stdout = %q, want %q", got.stdout, test.stdout)
			}
			if !strings.Contains(got.stderr, test.stderr) || (test.stderr == "") != (got.stderr == "") {
				t.Errorf("stderr = %q, want %q", got.stderr, test.stderr)
			}
		})
	}
}

func TestHelpFits80Columns(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "set", "get", "delete", "apply", "check", "servers", "sandbox", "demo", "version", "help"} {
		args := []string{name, "--help"}
		if name == "" {
			args = args[1:]
		}
		got := run(t, nil, args...)
		if got.status != 0 || got.stdout == "" {
			t.Errorf("%q = %+v, want status 0 and help", args, got)
		}
		for line := range strings.Lines(got.stdout) {
			if n := len(strings.TrimSuffix(line, "\n")); n > 80 {
				t.Errorf("%q prints a line of %d bytes, want at most 80: %s", args, n, line)
			}
		}
	}
}

// One run reports the errors in the arguments, in their records and in the
// environment.
func TestSetReportsAllInputErrors(t *testing.T) {
	t.Parallel()
	server, env := startSandbox(t)
	env["EDIS_RDNS_URL"], env["EDIS_KVM_ID"] = "http://example.com", ""
	got := run(t, env, "set", "300.1.1.1=a.example", "no-assignment", "192.0.2.1=a_b.example", "224.0.0.1=a..b", "192.0.2.1=*")
	want := result{status: 2, stderr: `edisptr: invalid input, nothing sent:
  "300.1.1.1=a.example" for argument: invalid IP address, want IP=HOST
  "no-assignment" for argument: want IP=HOST
  "192.0.2.1=*" for argument: duplicate address
  "http://example.com" for EDIS_RDNS_URL: http to another machine would expose the session to the network; use https
  EDIS_KVM_ID: not set, but required with EDIS_SIGNATURE
  "a_b.example" for 192.0.2.1: underscore in a host name (--allow-underscore permits it)
  "224.0.0.1" for address: multicast address
  "a..b" for 224.0.0.1: empty label: two dots in a row, or one at the beginning
  "*" for 192.0.2.1: character '*'; a host name has only letters, digits, hyphens and dots
`}
	if got != want {
		t.Errorf("set = %+v\nwant %+v", got, want)
	}
	if requests := server.Requests(); len(requests) != 0 {
		t.Errorf("got %d requests, want 0", len(requests))
	}
}

// A run that cannot print its result does not exit with the status for "nothing
// changed" if something did change.
func TestOutputFails(t *testing.T) {
	t.Parallel()
	_, env := startSandbox(t)
	reader, stdout := io.Pipe()
	_ = reader.Close()
	for _, test := range []struct {
		args   []string
		status int
	}{
		{[]string{"set", "192.0.2.1=a.example"}, 3},
		{[]string{"set", "-o", "json", "192.0.2.1=a.example"}, 3},
		{[]string{"version"}, 1},
		{[]string{"set", "bad"}, 2},
	} {
		var stderr bytes.Buffer
		status := exec(t.Context(), test.args, strings.NewReader(""), stdout, &stderr, func(name string) string { return env[name] })
		if status != test.status || stderr.Len() == 0 {
			t.Errorf("exec(%q) with a closed stdout = %d, want %d; stderr = %q, want an error", test.args, status, test.status, &stderr)
		}
	}
}

func TestVerboseLogsWithoutSecrets(t *testing.T) {
	t.Parallel()
	_, env := startSandbox(t)
	got := run(t, env, "set", "--verbose", "192.0.2.1=a.example")
	if got.status != 0 || !strings.Contains(got.stderr, "op=setPTR") || strings.Contains(got.stderr, env["EDIS_SIGNATURE"]) {
		t.Errorf("set --verbose = %+v, want status 0 and a log without the signature", got)
	}
}

func TestDemo(t *testing.T) {
	t.Parallel()
	got := run(t, map[string]string{"EDIS_RDNS_URL": "https://not-used.example"}, "demo")
	if got.status != 0 || got.stderr != "" {
		t.Fatalf("demo = %+v, want status 0 and empty stderr", got)
	}
	for _, line := range []string{
		"2001:db8::10  mail.example.com  set",
		`ip={"192.0.2.10":"mail.example.com","2001:db8::10":"mail.example.com"}`,
		"192.0.2.10: NOERROR mail.example.com.",
		"2001:db8::10: NOERROR mail.example.com.",
		"kvm_123456_789012  192.0.2.1",
		"2001:db8::10  mail.example.com  present",
		"192.0.2.10    mail.example.com  confirmed",
		"192.0.2.10: NXDOMAIN",
	} {
		if !strings.Contains(got.stdout, line) {
			t.Errorf("demo stdout = %s\nwant %q in it", got.stdout, line)
		}
	}
}

// A shell can evaluate the output of sandbox, and the other commands then use
// the sandbox until it is interrupted.
func TestSandbox(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	output, stdout := io.Pipe()
	var stderr bytes.Buffer
	statuses := make(chan int, 1)
	go func() {
		statuses <- exec(ctx, []string{"sandbox"}, strings.NewReader(""), stdout, &stderr, func(string) string { return "" })
		_ = stdout.Close()
	}()
	var lines []string
	for scanner := bufio.NewScanner(output); scanner.Scan(); {
		lines = append(lines, scanner.Text())
		if len(lines) == 9 {
			break
		}
	}
	env := evalExports(t, strings.Join(lines, "\n"), 9)
	if got := run(t, env, "set", "192.0.2.1=a.example"); got.status != 0 {
		t.Errorf("set on the sandbox = %+v, want status 0", got)
	}
	stop()
	rest, _ := io.ReadAll(output)
	if status := <-statuses; status != 0 || len(rest) != 0 {
		t.Errorf("sandbox = %d with %q left on stdout, want 0 and nothing", status, rest)
	}
}

// evalExports evaluates export lines in a shell and returns the EDIS variables,
// which must number want.
func evalExports(t *testing.T, lines string, want int) map[string]string {
	t.Helper()
	output := runShell(t, lines+"\nenv")
	env := make(map[string]string)
	for line := range strings.Lines(output) {
		if name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "="); ok && strings.HasPrefix(name, "EDIS_") {
			env[name] = value
		}
	}
	if len(env) != want {
		t.Errorf("evalExports(%q) has %d variables, want %d", lines, len(env), want)
	}
	return env
}

// runShell runs a shell script and returns its standard output.
func runShell(t *testing.T, script string) string {
	t.Helper()
	sh, err := osexec.LookPath("sh")
	if err != nil {
		t.Skip("needs a POSIX shell")
	}
	output, err := osexec.CommandContext(t.Context(), sh, "-c", script).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(output)
}

// runShellCommand runs a command line in a shell that knows edisptr, and returns what it
// prints on both streams.
func runShellCommand(t *testing.T, env map[string]string, line string) string {
	t.Helper()
	bin := t.TempDir()
	if err := os.Symlink(os.Args[0], filepath.Join(bin, "edisptr")); err != nil {
		t.Skipf("needs symbolic links: %v", err)
	}
	command := osexec.CommandContext(t.Context(), "sh", "-c", line)
	command.Dir = bin
	command.Env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	for name, value := range env {
		command.Env = append(command.Env, name+"="+value)
	}
	output, err := command.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v", line, err)
	}
	return string(output)
}

func TestShellQuote(t *testing.T) {
	t.Parallel()
	const value = `it's a "$HOME" \ value`
	if output := runShell(t, "printf %s "+shellQuote(value)); output != value {
		t.Errorf("printf %%s %s = %q, want %q", shellQuote(value), output, value)
	}
}

func TestSortedRecords(t *testing.T) {
	t.Parallel()
	got := sortedRecords(map[netip.Addr]string{
		netip.MustParseAddr("2001:db8::1"):      "c",
		netip.MustParseAddr("192.0.2.10"):       "b",
		netip.MustParseAddr("::ffff:192.0.2.9"): "a",
	}, nil)
	for i, want := range []string{"a", "b", "c"} {
		if got[i].Name != want {
			t.Errorf("sortedRecords(...)[%d] = %v, want name %q", i, got[i], want)
		}
	}
}
