package reconcile_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/edistest"
	"github.com/edisptr/edis-go/pkg/reconcile"
)

// A fleet is a fake EDIS with an account that has the servers kvm_1, kvm_2 and so on. See
// v4 and v6 for their addresses.
type fleet struct {
	*edistest.Server
	client  *edis.Client
	account *edis.Account
	servers []reconcile.Server
	before  func(call) // is called before each request is sent
	after   func(call) // and after its response, or failure
	calls   int        // that requests returned
}

var fleetCredentials = edis.Credentials{Email: "fleet@example.com", Password: "fleet-password"}

// newFleet returns a fleet whose account has logged in. Its client makes one attempt per
// call, unless the options say otherwise.
func newFleet(t *testing.T, servers int, change ...func(*edis.Options)) *fleet {
	t.Helper()
	f := &fleet{Server: edistest.NewTestServer(t), before: func(call) {}, after: func(call) {}}
	account := edistest.Account{Email: fleetCredentials.Email, Password: string(fleetCredentials.Password)}
	for i := range servers {
		account.KVMs = append(account.KVMs, edistest.KVM{
			ID:        kvm(i + 1),
			PrimaryIP: v4(i+1, 1),
			Addresses: []netip.Prefix{netip.PrefixFrom(v4(i+1, 0), 24), netip.PrefixFrom(v6(i+1, 0), 64)},
		})
	}
	f.AddAccount(account)
	options := f.Options()
	options.MaxAttempts = 1
	options.HTTPClient = &http.Client{Transport: watched{options.HTTPClient.Transport, f}}
	for _, c := range change {
		c(options)
	}
	client, err := edis.NewClient(options)
	if err != nil {
		t.Fatal(err)
	}
	f.client, f.account = client, client.Account(fleetCredentials)
	f.servers, err = reconcile.Servers(t.Context(), f.account)
	if err != nil || len(f.servers) != servers {
		t.Fatalf("Servers = %v, %v, want %d servers", f.servers, err, servers)
	}
	f.requests() // not that of the login
	return f
}

func kvm(server int) string { return fmt.Sprintf("kvm_%d", server) }

// v4 returns an address in the /24 of a server, whose primary address is the first.
func v4(server, host int) netip.Addr {
	return netip.AddrFrom4([4]byte{198, 18, byte(server), byte(host)})
}

// v6 returns an address in the /64 of a server.
func v6(server, host int) netip.Addr {
	return netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 6: byte(server >> 8), 7: byte(server), 15: byte(host)})
}

// A call is a request to the service.
type call struct {
	op    string
	kvmID string // empty for a login
	list  bool
	addrs []netip.Addr
}

func (c call) String() string {
	if c.list {
		return "list " + c.kvmID
	}
	return strings.TrimSpace(c.op + " " + c.kvmID)
}

var operations = map[string]string{"set": edistest.SetPTR, "get": edistest.GetPTR, "del": edistest.DeletePTR}

func callOf(urlPath string, form url.Values) call {
	op := operations[path.Base(path.Dir(urlPath))]
	if path.Base(urlPath) == "auth" {
		op = edistest.Login
	}
	c := call{op: op, kvmID: form.Get("kvm_id"), list: form.Get("ip") == "[]"}
	for _, text := range quoted.FindAllString(form.Get("ip"), -1) {
		if addr, err := netip.ParseAddr(strings.Trim(text, `"`)); err == nil {
			c.addrs = append(c.addrs, addr)
		}
	}
	return c
}

var quoted = regexp.MustCompile(`"[^"]*"`)

// A watched RoundTripper calls the functions before and after of a fleet.
type watched struct {
	http.RoundTripper
	fleet *fleet
}

func (w watched) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	called := callOf(r.URL.Path, form)
	w.fleet.before(called)
	defer func() { w.fleet.after(called) }()
	return w.RoundTripper.RoundTrip(r)
}

// requests returns the calls that the service received since it was last asked, in order.
func (f *fleet) requests() (calls []string) {
	for _, r := range f.Requests()[f.calls:] {
		calls = append(calls, callOf(r.Path, r.Form).String())
	}
	f.calls += len(calls)
	return calls
}

// wantRequests checks which calls the service received since it was last asked, in any
// order.
func (f *fleet) wantRequests(t *testing.T, when string, want ...string) {
	t.Helper()
	got := f.requests()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s sent %q, want %q", when, got, want)
	}
}

// wantPTRs checks the records of the service.
func (f *fleet) wantPTRs(t *testing.T, want map[netip.Addr]string) {
	t.Helper()
	if got := f.PTRs(); !maps.Equal(got, want) {
		t.Errorf("the service has the records %v, want %v", got, want)
	}
}

func (f *fleet) newPlan(t *testing.T, records reconcile.Records, options *reconcile.Options) *reconcile.Plan {
	t.Helper()
	plan, err := reconcile.NewPlan(t.Context(), f.client, f.servers, records, options)
	if err != nil {
		t.Fatalf("NewPlan(%v) = %v", records, err)
	}
	return plan
}

func (f *fleet) apply(t *testing.T, records reconcile.Records, options *reconcile.Options) ([]reconcile.Change, error) {
	t.Helper()
	return f.newPlan(t, records, options).Apply(t.Context())
}

// refuseToList refuses to list the records of some servers from now on, or of all if there are
// none.
func (f *fleet) refuseToList(status int, kvmIDs ...string) {
	f.before = func(c call) {
		if c.list && (len(kvmIDs) == 0 || slices.Contains(kvmIDs, c.kvmID)) {
			f.Fail(edistest.GetPTR, edistest.Fault{KVMID: c.kvmID, Status: status})
		}
	}
}

// wantChanges checks changes, each in the form "kvm_1 192.0.2.1: planned - -> a.example",
// in which a dash stands for no record.
func wantChanges(t *testing.T, when string, changes []reconcile.Change, want ...string) {
	t.Helper()
	got := make([]string, len(changes))
	for i, c := range changes {
		got[i] = fmt.Sprintf("%s %s: %s %s -> %s", cmp.Or(c.KVMID, "?"), c.Addr, c.State, cmp.Or(c.From, "-"), cmp.Or(c.To, "-"))
		if c.Pruned {
			got[i] += " (pruned)"
		}
		switch c.State {
		case reconcile.StateRefused, reconcile.StateSkipped, reconcile.StateUnknown, reconcile.StateChanged:
			if c.Err == nil {
				t.Errorf("%s: %s has no Err", when, got[i])
			}
		case reconcile.StatePlanned, reconcile.StateKept, reconcile.StateAbsent, reconcile.StateDefault, reconcile.StateSet, reconcile.StateDeleted:
			if c.Err != nil {
				t.Errorf("%s: %s has the Err %v, want none", when, got[i], c.Err)
			}
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s: changes are\n\t%s\nwant\n\t%s", when, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// wantFailure checks that err is a CallError with this Op and Outcome that matches all
// targets.
func wantFailure(t *testing.T, err error, op string, outcome edis.Outcome, targets ...error) {
	t.Helper()
	failed, ok := err.(*edis.CallError) //nolint:errorlint // it must not be wrapped
	if !ok {
		t.Fatalf("got the error %v (%T), want a CallError", err, err)
	}
	if failed.Op != op || failed.Outcome != outcome {
		t.Errorf("got %v with Op %q and outcome %q, want %q and %q", err, failed.Op, failed.Outcome, op, outcome)
	}
	for _, target := range targets {
		if !errors.Is(err, target) {
			t.Errorf("errors.Is(%v, %v) = false, want true", err, target)
		}
	}
}

// wantRetry checks whether and when an error says that repeating may help.
func wantRetry(t *testing.T, err error, retryable bool, after time.Duration) {
	t.Helper()
	failed := new(edis.CallError)
	if !errors.As(err, &failed) || failed.Retryable != retryable || failed.RetryAfter != after {
		t.Errorf("%v has Retryable %v and RetryAfter %v, want %v and %v", err, failed.Retryable, failed.RetryAfter, retryable, after)
	}
}

func wantOutcome(t *testing.T, when string, err error, want edis.Outcome) {
	t.Helper()
	if got := edis.OutcomeOf(err); got != want {
		t.Errorf("%s: the outcome of %v is %q, want %q", when, err, got, want)
	}
}

// wantInText checks that the text of an error has these parts.
func wantInText(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(fmt.Sprint(err), part) {
			t.Errorf("the error is %v, want %q in it", err, part)
		}
	}
}

// canceled returns a context that has ended for a reason of its own.
func canceled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("interrupt"))
	return ctx
}
