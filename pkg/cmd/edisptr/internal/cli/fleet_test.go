package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/edisptr/edis-go/pkg/edistest"
	"github.com/edisptr/edis-go/pkg/reconcile"
)

// Apply needs --force to change more than 30% of more than 10 existing records, of one
// server or of all.
func TestDrasticChanges(t *testing.T) {
	t.Parallel()
	changes := func(kvmID string, existing, changed int) (all []reconcile.Change) {
		for i := range existing {
			c := reconcile.Change{KVMID: kvmID, From: "old.example", To: "old.example", State: reconcile.StateKept}
			if i < changed {
				c.To, c.State = []string{"new.example", ""}[i%2], reconcile.StatePlanned // a deletion counts as a change does
			}
			all = append(all, c)
		}
		return append(all, reconcile.Change{KVMID: kvmID, To: "added.example", State: reconcile.StatePlanned}) // does not count
	}
	for _, test := range []struct {
		existing, changed int
		refused           bool
	}{{20, 6, false}, {20, 7, true}, {10, 10, false}, {11, 3, false}, {11, 4, true}, {100, 30, false}, {100, 31, true}} {
		planned := changes("kvm_1", test.existing, test.changed)
		if err := checkDrastic(planned, false); (err != nil) != test.refused {
			t.Errorf("checkDrastic of %d changes of %d records = %v, want it refused: %v", test.changed, test.existing, err, test.refused)
		}
		if err := checkDrastic(planned, true); err != nil {
			t.Errorf("checkDrastic that is forced = %v, want nil", err)
		}
	}
	one := append(changes("kvm_1", 100, 0), changes("kvm_2", 20, 20)...) // many servers do not hide that one loses its records
	if err := checkDrastic(one, false); err == nil || !strings.Contains(err.Error(), "20 of 20 existing records of kvm_2") {
		t.Errorf("checkDrastic of one of two servers = %v, want its numbers", err)
	}
	var small []reconcile.Change
	for i := range 6 {
		small = append(small, changes(fmt.Sprint("kvm_", i), 2, 2)...)
	}
	if err := checkDrastic(small, false); err == nil || !strings.Contains(err.Error(), "12 of 12 existing records of all servers") {
		t.Errorf("checkDrastic of many small servers = %v, want the numbers of all", err)
	}
}

// An apply that is interrupted halfway says so without a table of what was not done, and
// when run again it does the rest.
func TestApplyResumes(t *testing.T) {
	t.Parallel()
	server, env := startSandbox(t)
	var content strings.Builder
	const records = 3000
	for i := range records {
		fmt.Fprintf(&content, "10.1.%d.%d: h%d.example\n", i/250, i%250, i)
	}
	file := writeFile(t, "f", content.String())
	ctx, interrupt := context.WithCancel(t.Context())
	go func() {
		for len(server.PTRs()) < records/3 {
			time.Sleep(time.Millisecond)
		}
		interrupt()
	}()
	got := runWith(ctx, strings.NewReader(""), env, "apply", "-f", file, "--yes")
	half := len(server.PTRs())
	if got.status != 3 || half == records || strings.Contains(got.stdout, "  skipped\n") || !strings.Contains(got.stderr, "edisptr: interrupted; some records changed or may have changed\nRun the same command again") {
		t.Errorf("interrupted apply = %d with %d records set, want 3; stderr %s", got.status, half, got.stderr)
	}
	if reported := strings.Count(got.stdout, "  set\n"); reported > half || reported < half-100 {
		t.Errorf("apply reported %d records as set, want %d or a batch less", reported, half)
	}
	if got := run(t, env, "apply", "-f", file, "--yes"); got.status != 0 || len(server.PTRs()) != records {
		t.Errorf("second apply = %d with %d records, want 0 with %d; stderr %s", got.status, len(server.PTRs()), records, got.stderr)
	}
}

// If two runs overlap, every record ends up as one of them wants it, and neither run says
// that all went well if it left a record alone.
func TestTwoAppliesAtOnce(t *testing.T) {
	t.Parallel()
	server, env := startFleet(t, 30)
	list := run(t, env, "list", "-o", "yaml").stdout
	var wg sync.WaitGroup
	for _, prefix := range []string{"mail-", "www-"} {
		file := writeFile(t, "ptr.yaml", strings.ReplaceAll(list, "host-", prefix))
		wg.Go(func() {
			if got := run(t, env, "apply", "-f", file, "--yes", "--force", "--batch", "1"); got.status != 0 && !strings.Contains(got.stdout, " changed") {
				t.Errorf("apply = %+v, want status 0 or what somebody else changed", got)
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

// The servers of an account are called for side by side, with one login.
func TestParallel(t *testing.T) {
	t.Parallel()
	server, env := startFleet(t, 64)
	file := writeFile(t, "ptr.yaml", strings.ReplaceAll(run(t, env, "list", "-o", "yaml").stdout, "host-", "mail-"))
	logins := countRequests(server, loginPath)
	server.SetDelay(20 * time.Millisecond)
	started := time.Now()
	for _, args := range [][]string{{"apply", "-f", file, "--yes", "--force"}, {"list"}} {
		if got := run(t, env, append(args, "--parallel", "64")...); got.status != 0 {
			t.Errorf("%q = %+v, want status 0", args, got)
		}
	}
	if took := time.Since(started); took > 2*time.Second { // one after the other would take 3.9 s
		t.Errorf("apply and list of 64 servers took %v, want about 0.1 s", took)
	}
	if n := countRequests(server, loginPath) - logins; n != 2 {
		t.Errorf("%d logins of two commands, want 2", n)
	}
}

// --parallel 1 calls for one server after the other.
func TestListOneByOne(t *testing.T) {
	t.Parallel()
	server, env := startFleet(t, 20)
	const delay = 10 * time.Millisecond
	server.SetDelay(delay)
	started := time.Now()
	if got := run(t, env, "list", "--parallel", "1"); got.status != 0 {
		t.Errorf("list = %+v, want status 0", got)
	}
	if took := time.Since(started); took < 20*delay {
		t.Errorf("list --parallel 1 of 20 servers took %v, want at least %v", took, 20*delay)
	}
}

// One change among a thousand records is a few lines, and nothing on standard error.
func TestShortOutput(t *testing.T) {
	t.Parallel()
	_, env := startFleet(t, 500)
	file := writeFile(t, "ptr.yaml", strings.Replace(run(t, env, "list", "-o", "yaml").stdout, "host-77.", "mail-77.", 1))
	dry := run(t, env, "apply", "-f", file, "--dry-run")
	if n := strings.Count(dry.stdout, "\n"); dry.status != 4 || n > 6 || dry.stderr != "" {
		t.Errorf("apply --dry-run = %+v with %d lines, want at most 6", dry, n)
	}
	got := run(t, env, "apply", "-f", file, "--yes")
	if want := "IP           NAME                 STATE\n198.18.0.76  mail-77.example.com  set\n1 set, 999 kept\n"; got != (result{0, want, ""}) {
		t.Errorf("apply = %+v, want %s", got, want)
	}
	if got := run(t, env, "apply", "-f", file, "--yes"); got != (result{0, "1000 kept\n", ""}) {
		t.Errorf("apply of what is there = %+v, want one line", got)
	}
}

// Characters that could control a terminal reach neither a table nor a plan, and JSON
// escapes them, wherever they come from.
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
			{"apply", "-f", file, "--dry-run"}, {"apply", "-f", file, "--dry-run", "-o", "json"}, {"check", "--all", "--resolver", env["EDIS_DNS"]},
		} {
			server.Fail(edistest.GetPTR, odd)
			got := run(t, env, args...)
			if text := got.stdout + got.stderr; strings.Contains(text, char) || !strings.Contains(got.stdout, "192.0.2.1") && !strings.Contains(got.stdout, "1.2.0.192") {
				t.Errorf("%q with %q = %+v, want the record without the character", args, char, got)
			}
		}
		name := "x" + char
		for _, args := range [][]string{
			{name}, {"help", name}, {"get", name}, {"get", "--" + name}, {"get", "192.0.2.1", "-o", name}, {"get", "192.0.2.1", "--timeout", name}, {"get", "192.0.2.1", "--kvm", name},
			{"get", "fe80::1%" + name}, {"set", "192.0.2.1=" + name + ".example"}, {"set", name}, {"apply", name}, {"apply", "-n", "-f", name}, {"apply", "-n", "-f", writeFile(t, "f", name+": [\n")},
			{"apply", "-n", "-f", writeFile(t, "f", fmt.Sprintf("%q: {192.0.2.1: a.example}\n", name))}, {"apply", "-n", "-f", writeFile(t, "f", "192.0.2.1: !<"+name+"> a\n")},
			{"check", "--resolver", name + ":", "192.0.2.1"}, {"sandbox", "--dialect", name}, {"sandbox", "--listen", name}, {"sandbox", name}, {"completion", name},
		} {
			if got := run(t, env, args...); got.status != 2 && got.status != 1 || strings.Contains(got.stdout+got.stderr, char) || got.stderr == "" {
				t.Errorf("%q = %+v, want an error without %q", args, got, char)
			}
		}
		if got := run(t, env, "sandbox", "--", "./"+name); got.status != 1 || strings.Contains(got.stderr, char) {
			t.Errorf("sandbox of a command with %q = %+v, want an error without it", char, got)
		}
		if got := run(t, with(withLogin(env), "EDIS_PASSWORD_FILE", name), "servers"); strings.Contains(got.stderr, char) {
			t.Errorf("servers with %q in a file name = %+v, want an error without it", char, got)
		}
	}
}

// The sessions of an account may have addresses in any form.
func TestOrderOfRecords(t *testing.T) {
	t.Parallel()
	var changes []reconcile.Change
	for _, text := range []string{"2001:db8::1", "192.0.2.10", "192.0.2.9"} {
		changes = append(changes, reconcile.Change{Addr: netip.MustParseAddr(text), KVMID: "kvm_" + text, State: reconcile.StateSet})
	}
	var order []string
	for _, row := range recordsBody(changes, toName).Table[1:] {
		order = append(order, row[1].Text)
	}
	if got, want := strings.Join(order, " "), "192.0.2.9 192.0.2.10 2001:db8::1"; got != want {
		t.Errorf("recordsBody shows %s, want %s", got, want)
	}
}

// What was skipped is counted, and has no rows.
func TestSkippedRecords(t *testing.T) {
	t.Parallel()
	skipped := reconcile.Change{Addr: netip.MustParseAddr("192.0.2.1"), State: reconcile.StateSkipped}
	set := reconcile.Change{Addr: netip.MustParseAddr("192.0.2.2"), State: reconcile.StateSet}
	if body := recordsBody([]reconcile.Change{skipped, set, skipped}, toName); len(body.Table) != 2 || len(body.Lines) != 1 || body.Lines[0].Text != "2 skipped" {
		t.Errorf("recordsBody = %+v, want one row and a count", body)
	}
	for _, body := range []int{len(recordsBody([]reconcile.Change{skipped}, toName).Lines), len(changesBody([]reconcile.Change{skipped}).Lines)} {
		if body != 0 {
			t.Errorf("all records are skipped: %d lines, want none, as the error says it", body)
		}
	}
	if body := changesBody([]reconcile.Change{skipped, set}); body.Lines[0].Text != "1 set, 1 skipped" {
		t.Errorf("changesBody = %+v, want a count", body)
	}
}

// Each state has a place in the summary.
func TestSummaryOfAllStates(t *testing.T) {
	t.Parallel()
	var changes []reconcile.Change
	for _, state := range []reconcile.State{
		reconcile.StateUnknown, reconcile.StateSkipped, reconcile.StateRefused, reconcile.StateChanged, reconcile.StateDefault, reconcile.StateAbsent,
		reconcile.StateKept, reconcile.StateDeleted, reconcile.StateSet, reconcile.StatePlanned,
	} {
		changes = append(changes, reconcile.Change{State: state, Addr: netip.MustParseAddr("192.0.2.1"), To: string(state)})
	}
	if got, want := summary(changes), "1 planned, 1 set, 1 deleted, 1 kept, 1 absent, 1 default, 1 changed, 1 refused, 1 skipped, 1 unknown"; got != want {
		t.Errorf("summary = %s, want %s", got, want)
	}
	var shown []string
	for _, row := range changesBody(changes).Table[1:] {
		shown = append(shown, row[len(row)-1].Text)
	}
	if got, want := strings.Join(shown, " "), "unknown refused changed deleted set"; got != want {
		t.Errorf("changesBody shows %s, want %s", got, want)
	}
}
