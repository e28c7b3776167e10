package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"os"
	osexec "os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

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

// recordedOnly is set in the process that runs the tests in the recorded dialect. It is a
// process of its own because go caches no result of tests that run twice in one.
const recordedOnly = "EDISPTR_TEST_RECORDED"

func (m inBothDialects) Run() int {
	flag.Parse()
	given := func(name string) bool { return flag.Lookup(name).Value.String() != "" }
	if testing.Short() || os.Getenv(recordedOnly) != "" { // enough for the race detector
		dialect = edistest.Recorded
	}
	if dialect == edistest.Recorded || given("test.bench") || given("test.fuzz") || given("test.list") {
		_ = os.Unsetenv(recordedOnly)
		return m.M.Run()
	}
	isFile := func(arg string) bool { // which only one process may write
		return strings.HasPrefix(arg, "-test.testlogfile=") || strings.HasPrefix(arg, "-test.coverprofile=")
	}
	var output bytes.Buffer
	child := osexec.Command(os.Args[0], slices.DeleteFunc(slices.Clone(os.Args[1:]), isFile)...)
	child.Env, child.Stdout, child.Stderr = append(os.Environ(), recordedOnly+"=1"), &output, &output
	started := child.Start()
	status := m.M.Run()
	err := errors.Join(started, child.Wait())
	if err != nil || testing.Verbose() {
		fmt.Printf("in the recorded dialect:\n%s", output.String())
	}
	if err != nil {
		return 1
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

func TestHelpFits80Columns(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"", "set", "get", "delete", "list", "apply", "check", "servers", "sandbox", "demo", "version", "help", "completion", "completion bash", "completion zsh", "completion fish", "completion powershell"} {
		args := append(strings.Fields(line), "--help")
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
	bin := filepath.Dir(edisptrLink(t))
	command := osexec.CommandContext(t.Context(), "sh", "-c", line)
	command.Dir = bin
	command.Env = append(os.Environ(), "GORACE="+noRacePause, "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	for name, value := range env {
		command.Env = append(command.Env, name+"="+value)
	}
	output, err := command.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v", line, err)
	}
	return string(output)
}

// sandbox passes SIGTERM on to its command, and ends with its status.
func TestSandboxIsTerminated(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no SIGTERM")
	}
	for script, want := range map[string]int{
		"trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done": 9,
		"echo ready; exec sleep 60":                                    128 + int(syscall.SIGTERM),
	} {
		command := osexec.CommandContext(t.Context(), os.Args[0], "sandbox", "--", "sh", "-c", script)
		command.Args[0] = "edisptr"
		command.Path = edisptrLink(t)
		stdout, err := command.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		_, _ = bufio.NewReader(stdout).ReadString('\n') // the command has started
		_ = command.Process.Signal(syscall.SIGTERM)
		_ = command.Wait()
		if got := command.ProcessState.ExitCode(); got != want {
			t.Errorf("sandbox -- sh -c %q after SIGTERM = %d, want %d", script, got, want)
		}
	}
}

// edisptrLink returns a path at which this test is edisptr.
func edisptrLink(t *testing.T) string {
	t.Helper()
	link := filepath.Join(t.TempDir(), "edisptr")
	if err := os.Symlink(os.Args[0], link); err != nil {
		t.Skipf("needs symbolic links: %v", err)
	}
	return link
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

// Sandbox runs a command with its environment and none of the user's, and ends with its
// status.
func TestSandboxCommand(t *testing.T) { // not parallel: sets the environment
	t.Setenv("EDIS_KVM_ID", "kvm_100002")
	t.Setenv("EDIS_PASSWORD_FILE", "/does/not/exist")
	for _, test := range []struct {
		args           []string
		status         int
		stdout, stderr string
	}{
		{[]string{"--", "sh", "-c", "cat; exit 7"}, 7, "", ""},
		{[]string{"--", "sh", "-c", "kill -9 $$"}, 137, "", ""},
		{[]string{"--", "edisptr", "set", "192.0.2.1=a.example"}, 0, "a.example  set", ""},
		{[]string{"--servers", "2", "--", "edisptr", "list"}, 2, "", "kvm_100002 (server 2)"},
		{[]string{"--delay", "1s", "--", "edisptr", "get", "--timeout", "50ms", "192.0.2.1"}, 1, "", "deadline exceeded"},
		{[]string{"--dialect", "recorded", "--", "edisptr", "get", "--verbose", "192.0.2.1"}, 0, "absent", "valid JSON with the wrong content type"},
		{[]string{"--", "/does/not/exist"}, 1, "", "/does/not/exist"},
	} {
		got := run(t, nil, append([]string{"sandbox"}, test.args...)...)
		if got.status != test.status || !strings.Contains(got.stdout, test.stdout) || !strings.Contains(got.stderr, test.stderr) || test.stderr == "" && got.stderr != "" {
			t.Errorf("sandbox %q = %+v, want %+v", test.args, got, test)
		}
	}
}

// An interrupt does not kill the command of sandbox, which gets it from the terminal.
func TestSandboxInterrupted(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer stop()
	var stdout, stderr bytes.Buffer
	status := exec(ctx, []string{"sandbox", "--", "sh", "-c", "sleep 1; echo done"}, strings.NewReader(""), &stdout, &stderr, func(string) string { return "" })
	if status != 0 || stdout.String() != "done\n" {
		t.Errorf("sandbox = %d, %q, %q, want it to wait for the command", status, &stdout, &stderr)
	}
}

// A wrong flag is a usage error with a hint.
func TestUsageErrors(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"get", "192.0.2.1", "--timeout", "0s"}, {"get", "192.0.2.1", "--timeout", "-1s"}, {"get"}, {"get", "--nope"}} {
		if got := run(t, nil, args...); got.status != 2 || !strings.HasSuffix(got.stderr, "\nRun 'edisptr help' for usage.\n") {
			t.Errorf("%q = %+v, want status 2 and a hint", args, got)
		}
	}
}
