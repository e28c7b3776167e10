package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/edisptr/edis-go/pkg/edistest"
)

// startFleet starts a fake EDIS with an account of the given number of servers and
// returns the environment for using it. Each server has two records.
func startFleet(t testing.TB, servers int) (*edistest.Server, map[string]string) {
	t.Helper()
	server := startEDIS(t)
	env := make(map[string]string)
	for _, variable := range fleetEnvironment(server, addFleet(server, servers)) {
		env[variable.name] = variable.value
	}
	return server, env
}

// countRequests returns the number of requests to a path.
func countRequests(server *edistest.Server, path string) (count int) {
	for _, request := range server.Requests() {
		if request.Path == path {
			count++
		}
	}
	return count
}

// runWith is run with standard input.
func runWith(t testing.TB, stdin string, env map[string]string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status := exec(t.Context(), args, strings.NewReader(stdin), &stdout, &stderr, func(name string) string { return env[name] })
	return result{status, stdout.String(), stderr.String()}
}

const loginPath = "/kvm/v2/get/auth"

// One login serves all servers, all names change, and there is one table.
func TestApplyFleet(t *testing.T) {
	t.Parallel()
	server, env := startFleet(t, 50)
	list := run(t, env, "list", "--all", "-o", "yaml").stdout
	file := writeFile(t, "ptr.yaml", strings.ReplaceAll(list, "host-", "mail-"))
	before := countRequests(server, loginPath)
	got := run(t, env, "apply", "-f", file, "--yes")
	if got.status != 1 || !strings.Contains(got.stderr, "more than 30% of the 100 existing records would change; use --force") {
		t.Errorf("apply that changes everything = status %d, stderr %s, want it to be refused", got.status, got.stderr)
	}
	got = run(t, env, "apply", "-f", file, "--yes", "--force")
	if got.status != 0 || strings.Count(got.stdout, "KVM ID") != 1 || strings.Count(got.stdout, "  set\n") != 100 || got.stderr != "100 set\n" {
		t.Errorf("apply = %+v, want status 0 and one table of 100 records", got)
	}
	if n := countRequests(server, loginPath) - before; n != 2 {
		t.Errorf("%d logins of two runs, want 2", n)
	}
	for address, name := range server.PTRs() {
		if !strings.HasPrefix(name, "mail-") {
			t.Errorf("record of %s = %q, want mail-...", address, name)
		}
	}
}

// A login that is refused in the middle stops all servers.
func TestApplyLoginRefused(t *testing.T) {
	t.Parallel()
	server, env := startFleet(t, 40)
	file := writeFile(t, "ptr.yaml", strings.ReplaceAll(run(t, env, "list", "--all", "-o", "yaml").stdout, "host-", "mail-"))
	server.Fail("setPTR", edistest.Fault{Status: 401})
	server.Fail("createAuthSession", edistest.Fault{Delay: time.Nanosecond}, edistest.Fault{Status: 401})
	got := run(t, env, "apply", "-f", file, "--yes", "--force", "--parallel", "1")
	if got.status != 1 || strings.Count(got.stdout, "  skipped\n") != 78 || strings.Count(got.stdout, "  refused\n") != 2 || countWrites(server) != 1 {
		t.Errorf("apply with a login that is refused = %+v after %d writes, want status 1 after 1 write", got, countWrites(server))
	}
	if strings.Count(got.stderr, "createAuthSession") > 2 {
		t.Errorf("stderr = %s, want the reason once", got.stderr)
	}
	env["EDIS_PASSWORD"] = "wrong-password"
	if got := run(t, env, "apply", "-f", file, "--yes", "--force"); got.status != 1 || got.stdout != "" || strings.Count(got.stderr, "\n") != 1 {
		t.Errorf("apply with a wrong password = %+v, want status 1 and one line", got)
	}
}

// Records that are not as wanted stay unknown, and the error names the command to run
// next.
func TestUnknownOutcomeStays(t *testing.T) {
	t.Parallel()
	server, env := startSandbox(t)
	server.Fail("setPTR", edistest.Fault{Status: 202, Body: "{}", Apply: 1})
	got := run(t, env, "set", "192.0.2.1=a.example", "192.0.2.2=b.example")
	if got.status != 3 || !strings.Contains(got.stdout, "192.0.2.1  a.example  set\n192.0.2.2  b.example  unknown\n") {
		t.Errorf("set that is applied in part = %+v, want status 3 and one unknown record", got)
	}
	if !strings.Contains(got.stderr, "To see the records, run: edisptr get 192.0.2.1 192.0.2.2\n") || !strings.Contains(got.stderr, "outcome unknown") {
		t.Errorf("stderr = %s, want the command to run next", got.stderr)
	}
	server.Fail("setPTR", edistest.Fault{Status: 202, Body: "{}"})
	file := writeFile(t, "f", "192.0.2.1: c.example\n192.0.2.3: c.example\n")
	got = run(t, env, "apply", "-f", file, "--yes", "--batch", "1")
	if got.status != 3 || !strings.Contains(got.stdout, "c.example  unknown\n192.0.2.3  c.example  skipped\n") || !strings.Contains(got.stderr, "Run the same command again") {
		t.Errorf("apply with an unknown outcome = %+v, want status 3 and what to do next", got)
	}
}

// Changes and deletions of --prune are asked for separately.
func TestAskForPlans(t *testing.T) {
	t.Parallel()
	newPlan := func() *plan {
		return &plan{steps: []*step{{Action: actionSet}, {Action: actionDelete, prune: true}, {Action: actionKeep}}}
	}
	for replies, want := range map[string]struct {
		steps    int
		declined bool
	}{
		"y\ny\n":        {3, false},
		"\tYES \nyes\n": {3, false},
		"y\nn\n":        {2, false},
		"y\n":           {2, false},
		"n\ny\n":        {3, true},
		"yep\n":         {3, true},
		"":              {3, true},
	} {
		var stderr bytes.Buffer
		a, p := &app{replies: bufio.NewReader(strings.NewReader(replies)), stderr: &stderr}, newPlan()
		if err := a.askForPlans(t.Context(), []*plan{p}); (err != nil) != want.declined || len(p.steps) != want.steps {
			t.Errorf("askForPlans with %q = %v and %d steps, want %+v", replies, err, len(p.steps), want)
		}
		if !strings.HasPrefix(stderr.String(), "Change 1 record? [y/N] ") {
			t.Errorf("askForPlans asks %q", &stderr)
		}
	}
	a, p := &app{replies: bufio.NewReader(strings.NewReader("n\n")), stderr: new(bytes.Buffer)}, newPlan()
	p.steps = p.steps[1:]
	if err := a.askForPlans(t.Context(), []*plan{p}); err == nil {
		t.Error("askForPlans with only deletions, declined, = nil")
	}
}

// An apply to 200 servers that is interrupted half-way and run again sets all records.
func TestApplyFleetResumes(t *testing.T) {
	t.Parallel()
	server, env := startFleet(t, 200)
	file := writeFile(t, "ptr.yaml", strings.ReplaceAll(run(t, env, "list", "--all", "-o", "yaml").stdout, "host-", "mail-"))
	renamed := func() (count int) {
		for _, name := range server.PTRs() {
			if strings.HasPrefix(name, "mail-") {
				count++
			}
		}
		return count
	}
	server.SetDelay(5 * time.Millisecond)
	ctx, interrupt := context.WithCancel(t.Context())
	go func() {
		for renamed() < 40 {
			time.Sleep(time.Millisecond)
		}
		interrupt()
	}()
	var stdout, stderr bytes.Buffer
	status := exec(ctx, []string{"apply", "-f", file, "--yes", "--force"}, strings.NewReader(""), &stdout, &stderr, func(name string) string { return env[name] })
	if half := renamed(); status != 3 || half == 400 || !strings.Contains(stdout.String(), "  skipped\n") || strings.Count(stderr.String(), "\n") > 20 {
		t.Errorf("interrupted apply = %d with %d records set, want 3 and some skipped; stderr %s", status, half, &stderr)
	}
	if got := run(t, env, "apply", "-f", file, "--yes", "--force"); got.status != 0 || renamed() != 400 {
		t.Errorf("second apply = %d with %d records set, want 0 and 400; stderr %s", got.status, renamed(), got.stderr)
	}
}

// If two runs overlap, each plans from what it reads, and every record ends up as one of
// them wants it.
func TestTwoAppliesAtOnce(t *testing.T) {
	t.Parallel()
	server, env := startFleet(t, 30)
	list := run(t, env, "list", "--all", "-o", "yaml").stdout
	var wg sync.WaitGroup
	for _, prefix := range []string{"mail-", "www-"} {
		file := writeFile(t, "ptr.yaml", strings.ReplaceAll(list, "host-", prefix))
		wg.Go(func() {
			if got := run(t, env, "apply", "-f", file, "--yes", "--force", "--batch", "1"); got.status != 0 {
				t.Errorf("apply = %+v, want status 0", got)
			}
		})
	}
	wg.Wait()
	for address, name := range server.PTRs() {
		if !strings.HasPrefix(name, "mail-") && !strings.HasPrefix(name, "www-") {
			t.Errorf("record of %s = %q, want one of the two files", address, name)
		}
	}
}

// The servers of an account are changed in parallel.
func TestApplySideBySide(t *testing.T) {
	t.Parallel()
	server, env := startFleet(t, 64)
	file := writeFile(t, "ptr.yaml", strings.ReplaceAll(run(t, env, "list", "--all", "-o", "yaml").stdout, "host-", "mail-"))
	server.SetDelay(50 * time.Millisecond)
	started := time.Now()
	if got := run(t, env, "apply", "-f", file, "--yes", "--force", "--parallel", "32"); got.status != 0 {
		t.Errorf("apply = %+v, want status 0", got)
	}
	if took := time.Since(started); took > 3*time.Second { // one after the other would take 6.4 s
		t.Errorf("apply to 64 servers took %v, want about 0.25 s", took)
	}
}

// Characters that could control a terminal reach neither a table nor a plan, and JSON
// escapes them.
func TestControlCharacters(t *testing.T) {
	t.Parallel()
	for _, char := range []string{"\x1b", "\x7f", "\u0085", "\u202e", "\u200b", "\U000e0001"} {
		server, env := startSandbox(t)
		quoted, err := json.Marshal("a" + char + "b")
		if err != nil {
			t.Fatal(err)
		}
		odd := edistest.Fault{Body: `{"status":"success","records":[{"ip":"192.0.2.1","ptr_record":` + string(quoted) + `}]}`}
		file := writeFile(t, "f", "192.0.2.1: a.example\n")
		for _, args := range [][]string{
			{"get", "192.0.2.1"}, {"get", "192.0.2.1", "-o", "json"}, {"list"}, {"list", "-o", "json"}, {"list", "-o", "yaml"}, {"list", "-o", "zone"},
			{"apply", "-f", file, "--dry-run"}, {"apply", "-f", file, "--dry-run", "-o", "json"},
		} {
			server.Fail("getPTR", odd)
			got := run(t, env, args...)
			if text := got.stdout + got.stderr; strings.Contains(text, char) || !strings.Contains(got.stdout, "192.0.2.1") && !strings.Contains(got.stdout, "1.2.0.192") {
				t.Errorf("%q with %q = %+v, want the record without the character", args, char, got)
			}
			if strings.Contains(strings.Join(args, " "), "json") {
				var parsed any
				if err := json.Unmarshal([]byte(got.stdout), &parsed); err != nil || !strings.Contains(fmt.Sprint(parsed), "a"+char+"b") && !strings.Contains(fmt.Sprint(parsed), "ab") { // IDNA drops some
					t.Errorf("%q with %q = %s (%v), want JSON that has it escaped", args, char, got.stdout, err)
				}
			}
		}
		wrong := writeFile(t, "f", fmt.Sprintf("%q: {192.0.2.1: a.example}\n", "kvm"+char))
		if got := run(t, env, "apply", "-f", wrong, "--yes"); got.status != 2 || strings.Contains(got.stderr, char) || !strings.Contains(got.stderr, "not a KVM ID") {
			t.Errorf("apply to the KVM ID kvm%q = %+v, want status 2", char, got)
		}
	}
}

// The log messages of net/http contain bytes from the service.
func TestPackageLogIsSilent(t *testing.T) {
	t.Parallel()
	run(t, nil, "version")
	if log.Writer() != io.Discard {
		t.Error("log.Writer() is not io.Discard after a run")
	}
}

// A plan that could not be shown is not carried out.
func TestApplyWithoutOutput(t *testing.T) {
	t.Parallel()
	server, env := startSandbox(t)
	reader, stdout := io.Pipe()
	_ = reader.Close()
	var stderr bytes.Buffer
	status := exec(t.Context(), []string{"apply", "-f", writeFile(t, "f", "192.0.2.1: a.example\n"), "--yes"}, strings.NewReader(""), stdout, &stderr, func(name string) string { return env[name] })
	if n := countWrites(server); status != 1 || n != 0 || !strings.Contains(stderr.String(), "cannot write output") {
		t.Errorf("apply with a closed stdout = %d after %d writes, want 1 after none; stderr %s", status, n, &stderr)
	}
}

// Without a connection there are no more dials than attempts.
func TestSetWithoutConnection(t *testing.T) {
	t.Parallel()
	for _, login := range []bool{false, true} {
		_, env := startSandbox(t)
		if login {
			env = withLogin(env)
		}
		var dials atomic.Int64
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = listener.Close() })
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				dials.Add(1)
				_ = conn.(*net.TCPConn).SetLinger(0)
				_ = conn.Close()
			}
		}()
		env["EDIS_RDNS_URL"] = "https://" + listener.Addr().String() // resets the TLS handshake
		env["EDIS_AUTH_URL"] = env["EDIS_RDNS_URL"]
		if got := run(t, env, "set", "192.0.2.1=a.example"); got.status != 1 || !strings.Contains(got.stdout, "skipped") || dials.Load() > 3 {
			t.Errorf("set without a connection = %+v after %d dials, want status 1 after at most 3", got, dials.Load())
		}
	}
}

// A file from list names the server, even if the user does not.
func TestListNamesServer(t *testing.T) {
	t.Parallel()
	server, env := startSandbox(t)
	server.SetPTRs(map[netip.Addr]string{netip.MustParseAddr("192.0.2.1"): "a.example"})
	env = withLogin(env)
	for _, format := range []string{"yaml", "zone", "json"} {
		if got := run(t, env, "list", "-o", format); got.status != 0 || !strings.Contains(got.stdout, server.Session().KVMID) {
			t.Errorf("list -o %s = %+v, want the KVM ID", format, got)
		}
	}
}

// apply also reads the JSON of list, for the servers that it names.
func TestListJSONRoundTrip(t *testing.T) {
	t.Parallel()
	server, env := startFleet(t, 2)
	server.SetPTRs(map[netip.Addr]string{netip.MustParseAddr("198.18.0.1"): "single"})
	for _, args := range [][]string{{"list", "--all"}, {"list", "--kvm", "kvm_100002"}} {
		got := run(t, env, append(args, "-o", "json")...)
		if applied := runWith(t, got.stdout, with(env, "EDIS_KVM_ID", "kvm_100001"), "apply", "-f", "-", "--dry-run"); got.status != 0 || applied.status != 0 || !strings.Contains(applied.stderr, "Nothing to change") {
			t.Errorf("apply of %s\n= %+v, want nothing to change", got.stdout, applied)
		}
	}
}

// A server that could not be read is not in the files of list: with apply --prune, an
// empty one would delete all.
func TestFailedServerIsNotInFile(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]string{"yaml": "kvm_100002:\n", "zone": "; kvm_id=kvm_100002\n"} {
		server, env := startFleet(t, 2)
		server.Fail("getPTR", edistest.Fault{Status: 400})
		if got := run(t, env, "list", "--all", "--parallel", "1", "-o", format); got.status != 1 || !strings.Contains(got.stdout, want) || strings.Contains(got.stdout, "kvm_100001") {
			t.Errorf("list -o %s = %+v, want kvm_100002 only", format, got)
		}
	}
}

// With several servers, only those with differences have a title; with one, the title
// says that there are none.
func TestTitlesOfPlans(t *testing.T) {
	t.Parallel()
	_, env := startFleet(t, 3)
	for content, want := range map[string]string{
		"kvm_100001: {198.18.0.0: host-1.example.com}\nkvm_100002: {198.18.0.1: a.example}\n": "kvm_100002: 1 record to change\n- 198.18.0.1 host-2.example.com\n+ 198.18.0.1 a.example\n",
		"kvm_100001: {198.18.0.0: host-1.example.com}\n":                                      "kvm_100001: 0 records to change, 1 as wanted\n",
	} {
		if got := run(t, env, "apply", "-f", writeFile(t, "f", content), "--dry-run"); got.stdout != want {
			t.Errorf("apply of %s= %+v, want %s", content, got, want)
		}
	}
}

// The error for many servers names three of those with the same reason, and counts the
// others.
func TestManyServersFail(t *testing.T) {
	t.Parallel()
	server, env := startFleet(t, 6)
	server.Fail("getPTR", edistest.Fault{Status: 400}, edistest.Fault{Status: 403}, edistest.Fault{Status: 400}, edistest.Fault{Status: 400}, edistest.Fault{Status: 400}, edistest.Fault{Status: 400})
	got := run(t, env, "list", "--all", "--parallel", "1")
	if got.status != 1 || !strings.Contains(got.stderr, "edisptr: 6 of 6 servers failed:\n  kvm_100001, kvm_100003, kvm_100004, 2 more: getPTR: HTTP 400") || !strings.Contains(got.stderr, "\n  kvm_100002: getPTR: HTTP 403") {
		t.Errorf("list --all that fails = %+v, want the servers of each reason", got)
	}
}

// The error for many servers says that records may have changed.
func TestManyServersUnknown(t *testing.T) {
	t.Parallel()
	server, env := startFleet(t, 2)
	server.Fail("setPTR", edistest.Fault{Status: 202, Body: "{}"})
	file := writeFile(t, "f", "kvm_100001: {198.18.0.0: a.example}\nkvm_100002: {198.18.0.1: host-2.example.com}\n")
	if got := run(t, env, "apply", "-f", file, "--yes"); got.status != 3 || !strings.Contains(got.stderr, "edisptr: some records may have changed; 1 of 2 servers failed:\n") {
		t.Errorf("apply = %+v, want status 3 and what it means", got)
	}
}

// What was read of a server before it was given up is neither counted nor guarded.
func TestGivenUpServersDoNotCount(t *testing.T) {
	t.Parallel()
	given := &plan{err: errors.New("no response")}
	for range 20 {
		given.steps = append(given.steps, &step{From: "a.example", Action: actionSet})
	}
	if n := countChanges([]*plan{given}); n != 0 || drastic(given) != 0 {
		t.Errorf("countChanges and drastic of a server that was given up = %d, %d, want 0", n, drastic(given))
	}
}

// A name of one label goes back into apply, in the formats of files too.
func TestListOfSingleLabels(t *testing.T) {
	t.Parallel()
	server, env := startSandbox(t)
	server.SetPTRs(map[netip.Addr]string{netip.MustParseAddr("192.0.2.1"): "mail"})
	for _, format := range []string{"yaml", "zone"} {
		got := run(t, env, "list", "-o", format)
		if applied := runWith(t, got.stdout, env, "apply", "-f", "-", "--dry-run"); applied.status != 0 || !strings.Contains(applied.stderr, "Nothing to change") {
			t.Errorf("apply of %s\n= %+v, want nothing to change", got.stdout, applied)
		}
	}
}
