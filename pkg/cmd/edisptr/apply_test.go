package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edisptr/edis-go/pkg/edistest"
)

// addressesSent returns the number of addresses in each request to a path.
func addressesSent(server *edistest.Server, path string) (counts []int) {
	for _, request := range server.Requests() {
		if request.Path == path {
			counts = append(counts, 1+strings.Count(request.Form.Get("ip"), ","))
		}
	}
	return counts
}

// apply and delete delete a whole batch in one request.
func TestBatchIsDeletedWhole(t *testing.T) {
	t.Parallel()
	file := writeFile(t, "f", "192.0.2.1: null\n192.0.2.2: null\n2001:db8::1: null\n192.0.2.3: null\n192.0.2.4: null\n")
	for _, test := range []struct {
		args []string
		want []int
	}{
		{[]string{"apply", "-f", file, "--yes"}, []int{5}},
		{[]string{"apply", "-f", file, "--yes", "--batch", "3"}, []int{3, 2}},
		{[]string{"delete", "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "2001:db8::1"}, []int{5}},
	} {
		server, env := startSandbox(t)
		for _, address := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "2001:db8::1"} {
			server.SetPTRs(map[netip.Addr]string{netip.MustParseAddr(address): "a.example"})
		}
		got := run(t, env, test.args...)
		if sent := addressesSent(server, "/del/ptr"); got.status != 0 || len(server.PTRs()) != 0 || !slices.Equal(sent, test.want) || strings.Count(got.stdout, "  deleted\n") != 5 {
			t.Errorf("%q = %+v, leaves %v after requests for %v addresses, want none after %v", test.args, got, server.PTRs(), sent, test.want)
		}
	}
}

// --batch also limits how many records are read at once.
func TestBatchOfReads(t *testing.T) {
	t.Parallel()
	var content strings.Builder
	for i := range 205 {
		fmt.Fprintf(&content, "192.0.2.%d: a.example\n", i)
	}
	file := writeFile(t, "f", content.String())
	for batch, want := range map[string][]int{"": {100, 100, 5}, "--batch=150": {150, 55}, "--batch=205": {205}} {
		server, env := startSandbox(t)
		args := []string{"apply", "-f", file, "--dry-run"}
		if batch != "" {
			args = append(args, batch)
		}
		got := run(t, env, args...)
		if sent := addressesSent(server, "/get/ptr"); got.status != 4 || !slices.Equal(sent, want) {
			t.Errorf("%q = %d with reads of %v addresses, want 4 with %v; stderr %s", args, got.status, sent, want, got.stderr)
		}
	}
}

// Apply needs --force to change more than 30% of more than 10 records, and not for fewer.
func TestDrasticLimits(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		existing, changed int
		refused           bool
	}{{20, 6, false}, {20, 7, true}, {10, 10, false}, {11, 3, false}, {11, 4, true}, {100, 30, false}, {100, 31, true}} {
		server, env := startSandbox(t)
		var content strings.Builder
		for i := range test.existing {
			address := netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})
			server.SetPTRs(map[netip.Addr]string{address: "old.example"})
			name := "old.example"
			if i < test.changed {
				name = []string{"new.example", "null"}[i%2] // a deletion counts as a change does
			}
			fmt.Fprintf(&content, "%s: %s\n", address, name)
		}
		fmt.Fprint(&content, "198.51.100.1: added.example\n") // an addition does not count
		got := run(t, env, "apply", "-f", writeFile(t, "f", content.String()), "--yes")
		if refused := strings.Contains(got.stderr, "--force"); refused != test.refused || refused != (got.status == 1) || refused != (countWrites(server) == 0) {
			t.Errorf("apply of %d changes of %d records = %d after %d writes, want it refused: %v; stderr %s", test.changed, test.existing, got.status, countWrites(server), test.refused, got.stderr)
		}
	}
}

// The counts in JSON are those of the records, of each server and of all.
func TestApplyJSONCounts(t *testing.T) {
	t.Parallel()
	server, env := startFleet(t, 4)
	file := writeFile(t, "f", `kvm_100001: {198.18.0.0: a.example, "2001:db8::1": null}
kvm_100002: {198.18.0.1: b.example, "2001:db8:0:1::1": b.example}
kvm_100003: {198.18.0.2: c.example}
kvm_100004: {198.18.0.3: host-4.example.com}
`)
	want := func(args []string, status int, total counts, each ...counts) {
		t.Helper()
		got := run(t, env, args...)
		var result outcome
		if err := json.Unmarshal([]byte(got.stdout), &result); err != nil || got.status != status || result.counts != total || len(result.Servers) != len(each) {
			t.Fatalf("%q = %+v (%v), want status %d and %+v", args, got, err, status, total)
		}
		for i, server := range result.Servers {
			if server.counts != each[i] {
				t.Errorf("%q: counts of %s = %+v, want %+v", args, server.KVMID, server.counts, each[i])
			}
		}
	}
	args := []string{"apply", "-f", file, "-o", "json", "--parallel", "1", "--batch", "1"}
	want(append(args, "--dry-run"), 4, counts{}, counts{}, counts{}, counts{}, counts{})
	served := edistest.Fault{Delay: 1} // which is no fault
	server.Fail("setPTR", served, edistest.Fault{Status: 400}, edistest.Fault{Status: 202, Body: "{}"})
	server.Fail("getPTR", served, served, served, served, served, served, edistest.Fault{Status: 400}) // the one after the unknown outcome
	want(append(args, "--yes"), 3, counts{Applied: 2, Unknown: 1, Failed: 2}, counts{Applied: 2}, counts{Failed: 2}, counts{Unknown: 1}, counts{})
	if unused := server.UnusedFaults(); len(unused) != 0 {
		t.Errorf("UnusedFaults() = %v, want none", unused)
	}
}

// An interrupt ends the question, and nothing changes.
func TestInterruptEndsQuestion(t *testing.T) {
	t.Parallel()
	stdin, user := io.Pipe()
	defer func() { _ = user.Close() }()
	defer time.AfterFunc(5*time.Second, func() { _ = user.Close() }).Stop() // ends a question that the interrupt does not
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	var stderr bytes.Buffer
	a := &app{replies: bufio.NewReader(stdin), stderr: &stderr}
	if err := a.ask(ctx, "Change? "); !errors.Is(err, errDeclined) || stderr.String() != "Change? \n" {
		t.Errorf("ask of an interrupted command = %v, stderr %q, want %v", err, &stderr, errDeclined)
	}
}

// Deleted records are not reported as unchanged if the result cannot be written.
func TestOutputFailsAfterDelete(t *testing.T) {
	t.Parallel()
	reader, stdout := io.Pipe()
	_ = reader.Close()
	file := writeFile(t, "f", "192.0.2.1: null\n")
	for _, args := range [][]string{{"delete", "192.0.2.1"}, {"delete", "192.0.2.1", "-o", "json"}, {"apply", "--yes", "-o", "json", "-f", file}} {
		server, env := startSandbox(t)
		server.SetPTRs(map[netip.Addr]string{netip.MustParseAddr("192.0.2.1"): "a.example"})
		var stderr bytes.Buffer
		status := exec(t.Context(), args, strings.NewReader(""), stdout, &stderr, func(name string) string { return env[name] })
		if status != 3 || !strings.Contains(stderr.String(), "some records were changed before this error: cannot write output") || len(server.PTRs()) != 0 {
			t.Errorf("%q with a closed stdout = %d with the records %v, want 3 with none; stderr %s", args, status, server.PTRs(), &stderr)
		}
	}
}

// Records are read back in canonical form, whatever the arguments.
func TestReadBackIsCanonical(t *testing.T) {
	t.Parallel()
	for argument, want := range map[string]string{"192.0.2.1=A.Example.": "a.example", "::ffff:192.0.2.1=a.example": "a.example"} {
		server, env := startSandbox(t)
		server.Fail("setPTR", edistest.Fault{Status: 202, Body: "{}", Apply: -1})
		if got := run(t, env, "set", argument); got.status != 0 || got.stdout != "IP         NAME       STATE\n192.0.2.1  "+want+"  set\n" {
			t.Errorf("set %s with a lost response = %+v, want status 0", argument, got)
		}
	}
}

// The service may show a write late.
func TestReadBackWaits(t *testing.T) {
	t.Parallel()
	server, env := startSandbox(t)
	server.SetLag(400 * time.Millisecond)
	server.Fail("setPTR", edistest.Fault{Status: 202, Body: "{}", Apply: -1})
	if got := run(t, env, "set", "192.0.2.1=a.example"); got.status != 0 || !strings.Contains(got.stdout, "a.example  set\n") {
		t.Errorf("set with a lost response and a lag = %+v, want status 0", got)
	}
}

// The output names the only server of an account, even if the user does not.
func TestApplyNamesServer(t *testing.T) {
	t.Parallel()
	server, env := startSandbox(t)
	file := writeFile(t, "f", "192.0.2.1: a.example\n")
	for _, format := range []string{"table", "json"} {
		if got := run(t, withLogin(env), "apply", "-f", file, "--dry-run", "-o", format); got.status != 4 || !strings.Contains(got.stdout, server.Session().KVMID) {
			t.Errorf("apply -o %s = %+v, want the KVM ID", format, got)
		}
	}
}

// The hint of apply can be pasted into a shell.
func TestApplyHintIsQuoted(t *testing.T) {
	t.Parallel()
	if got := run(t, nil, "apply", "a b; rm c"); got.status != 2 || !strings.Contains(got.stderr, "run: edisptr apply -f 'a b; rm c'\n") {
		t.Errorf("apply FILE = %+v, want a quoted hint", got)
	}
}

// The guard also applies to each server: many servers do not hide that one loses its
// records.
func TestDrasticForOneServer(t *testing.T) {
	t.Parallel()
	server, env := startSandbox(t)
	account := edistest.Account{Email: "a@example.com", Password: "p"}
	var content strings.Builder
	for i := range 4 {
		prefix := netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 18, byte(i), 0}), 24)
		account.KVMs = append(account.KVMs, edistest.KVM{ID: fmt.Sprint("kvm_", i), Addresses: []netip.Prefix{prefix}})
		fmt.Fprintf(&content, "kvm_%d:\n", i)
		for j := range 20 {
			address := netip.AddrFrom4([4]byte{198, 18, byte(i), byte(j)})
			server.SetPTRs(map[netip.Addr]string{address: "old.example"})
			fmt.Fprintf(&content, "  %s: %s\n", address, map[bool]string{true: "new.example", false: "old.example"}[i == 3])
		}
	}
	server.AddAccount(account)
	env = withLogin(env)
	env["EDIS_EMAIL"], env["EDIS_PASSWORD"] = account.Email, account.Password
	if got := run(t, env, "apply", "-f", writeFile(t, "f", content.String()), "--yes"); got.status != 1 || !strings.Contains(got.stderr, "of the 20 existing records") || countWrites(server) != 0 {
		t.Errorf("apply that changes all 20 records of one of 4 servers = %d after %d writes, want it refused; stderr %s", got.status, countWrites(server), got.stderr)
	}
}

// A duplicate address is refused, even in another form.
func TestDuplicateArguments(t *testing.T) {
	t.Parallel()
	server, env := startSandbox(t)
	for _, args := range [][]string{
		{"set", "192.0.2.1=a.example", "192.0.2.1=b.example"}, {"set", "192.0.2.1=a.example", "::ffff:192.0.2.1=b.example"}, {"set", "2001:db8::1=a.example", "2001:DB8:0::1=a.example"},
		{"delete", "192.0.2.1", "192.0.2.1"}, {"delete", "192.0.2.1", "::ffff:192.0.2.1"}, {"get", "192.0.2.1", "192.0.2.1"},
	} {
		if got := run(t, env, args...); got.status != 2 || !strings.Contains(got.stderr, "duplicate address") || len(server.Requests()) != 0 {
			t.Errorf("%q = %+v, want status 2 and nothing sent", args, got)
		}
	}
}
