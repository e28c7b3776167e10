package reconcile_test

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/edistest"
	"github.com/edisptr/edis-go/pkg/reconcile"
)

func TestPlanComparesRecords(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	before := map[netip.Addr]string{
		v4(1, 1): "old.example",
		v4(1, 2): "right.example",
		v4(1, 3): "gone.example",
		v4(1, 5): "198-18-1-5.static.edis.at",
		v4(1, 6): "198-18-1-6.static.edis.at",
	}
	f.SetPTRs(before)
	plan := f.newPlan(t, reconcile.Records{
		kvm(2): {netip.MustParseAddr("::ffff:198.18.2.9"): "Mail.Bücher.Example."},
		kvm(1): {
			v6(1, 1): "new.example",
			v4(1, 1): "new.example",
			v4(1, 2): "RIGHT.example.",
			v4(1, 3): "",
			v4(1, 4): "",
			v4(1, 5): "",
			v4(1, 6): "new.example",
		},
	}, nil)
	wantChanges(t, "Changes", plan.Changes(),
		"kvm_1 198.18.1.1: planned old.example -> new.example",
		"kvm_1 198.18.1.2: kept right.example -> right.example",
		"kvm_1 198.18.1.3: planned gone.example -> -",
		"kvm_1 198.18.1.4: absent - -> -",
		"kvm_1 198.18.1.5: default 198-18-1-5.static.edis.at -> -",
		"kvm_1 198.18.1.6: planned 198-18-1-6.static.edis.at -> new.example",
		"kvm_1 2001:db8:0:1::1: planned - -> new.example",
		"kvm_2 198.18.2.9: planned - -> mail.xn--bcher-kva.example",
	)
	f.wantRequests(t, "NewPlan", "getPTR kvm_1", "getPTR kvm_2")
	f.wantPTRs(t, before)
}

func TestChangesReturnsACopy(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	plan := f.newPlan(t, reconcile.Records{"": {v4(1, 1): "a.example"}}, nil)
	plan.Changes()[0].To = "other.example"
	want := "kvm_1 198.18.1.1: planned - -> a.example"
	wantChanges(t, "Changes", plan.Changes(), want)
}

func TestPlanIsAsTheRecordsWereAtTheCall(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	records := reconcile.Records{"": {v4(1, 1): "a.example"}}
	f.before = func(call) { records[""][v4(1, 1)], records[""][v4(1, 2)] = "b.example", "b.example" }
	changes, err := f.apply(t, records, nil)
	if err != nil {
		t.Fatal(err)
	}
	wantChanges(t, "Apply", changes, "kvm_1 198.18.1.1: set - -> a.example")
}

func TestDroppedChangesAreNotMade(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	f.SetPTRs(map[netip.Addr]string{v4(1, 1): "kept.example"})
	plan := f.newPlan(t, reconcile.Records{"": {v4(1, 1): "kept.example", v4(1, 2): "declined.example", v4(1, 3): "a.example"}}, nil)
	plan.Drop(func(c reconcile.Change) bool { return c.Addr != v4(1, 3) })
	want := []string{"kvm_1 198.18.1.1: kept kept.example -> kept.example", "kvm_1 198.18.1.3: planned - -> a.example"}
	wantChanges(t, "Changes after Drop", plan.Changes(), want...)
	changes, err := plan.Apply(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want[1] = "kvm_1 198.18.1.3: set - -> a.example"
	wantChanges(t, "Apply", changes, want...)
	f.wantPTRs(t, map[netip.Addr]string{v4(1, 1): "kept.example", v4(1, 3): "a.example"})
}

// A name that is not in canonical form must not differ from itself in every round.
func TestSecondRoundChangesNothing(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	records := reconcile.Records{
		"":     {v4(1, 1): "Mail.Bücher.Example.", netip.MustParseAddr("::ffff:198.18.2.1"): "MAIL.example"},
		kvm(1): {v6(1, 1): "mail.xn--bcher-kva.example", v4(1, 2): ""},
	}
	if _, err := f.apply(t, records, nil); err != nil {
		t.Fatal(err)
	}
	f.wantRequests(t, "the first round", "getPTR kvm_1", "getPTR kvm_2", "setPTR kvm_1", "setPTR kvm_2")
	for range 3 {
		if _, err := f.apply(t, records, nil); err != nil {
			t.Fatal(err)
		}
		f.wantRequests(t, "a later round", "getPTR kvm_1", "getPTR kvm_2")
	}
}

func TestPlanReadsInBatches(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	records := reconcile.Records{kvm(1): {}}
	before := make(map[netip.Addr]string)
	for host := range 250 {
		records[kvm(1)][v4(1, host)], before[v4(1, host)] = "same.example", "same.example"
	}
	f.SetPTRs(before)
	for _, test := range []struct{ batch, requests int }{{0, 3}, {-1, 3}, {125, 2}, {250, 1}} {
		plan := f.newPlan(t, records, &reconcile.Options{Batch: test.batch})
		if got := len(f.requests()); got != test.requests {
			t.Errorf("NewPlan of 250 records with Batch %d sent %d requests, want %d", test.batch, got, test.requests)
		}
		for _, c := range plan.Changes() {
			if c.State != reconcile.StateKept {
				t.Errorf("with Batch %d, %s is %s: %v, want kept", test.batch, c.Addr, c.State, c.Err)
			}
		}
	}
}

func TestPlanEndsWithItsContext(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	records := reconcile.Records{kvm(1): {v4(1, 1): "a.example"}, kvm(2): {v4(2, 1): "a.example"}}
	plan, err := reconcile.NewPlan(canceled(t), f.client, f.servers, records, nil)
	wantFailure(t, err, "plan", edis.OutcomeUnchanged, context.Canceled)
	if plan != nil {
		t.Errorf("NewPlan = %v, want none", plan)
	}
	f.wantRequests(t, "NewPlan")
}

// If the service refuses a login, more logins could lock the account, and those of other
// servers may be of the same account.
func TestRefusedLoginEndsThePlan(t *testing.T) {
	t.Parallel()
	for name, records := range map[string]reconcile.Records{
		"while reading records":        {kvm(1): {v4(1, 1): "a.example"}, kvm(2): {v4(2, 1): "a.example"}, kvm(3): {v4(3, 1): "a.example"}},
		"while looking for the server": {"": {v4(3, 9): "a.example"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, 3)
			for i := range f.servers {
				f.servers[i].Source = f.client.Account(edis.Credentials{Email: "mistyped@example.com", Password: "p"})
			}
			_, err := reconcile.NewPlan(t.Context(), f.client, f.servers, records, &reconcile.Options{Parallel: 1})
			wantFailure(t, err, "plan", edis.OutcomeUnchanged, edis.ErrLoginRefused)
			f.wantRequests(t, "NewPlan", "createAuthSession")
		})
	}
}

func TestFailedServerDoesNotStopTheOthers(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 4)
	f.SetPTRs(map[netip.Addr]string{v4(3, 1): "right.example"})
	f.FailAlways(edistest.GetPTR, edistest.Fault{KVMID: kvm(2), Status: 503})
	f.servers[3] = reconcile.Server{Session: edis.Session{KVMID: kvm(4)}} // of a login, without a signature
	plan := f.newPlan(t, reconcile.Records{
		kvm(1): {v4(1, 1): "a.example"},
		kvm(2): {v4(2, 1): "a.example", v4(2, 2): ""},
		kvm(3): {v4(3, 1): "right.example"},
		kvm(4): {v4(4, 1): "a.example"},
	}, nil)
	f.requests()
	changes, err := plan.Apply(t.Context())
	f.wantRequests(t, "Apply", "setPTR kvm_1")
	wantChanges(t, "Apply", changes,
		"kvm_1 198.18.1.1: set - -> a.example",
		"kvm_2 198.18.2.1: skipped - -> a.example",
		"kvm_2 198.18.2.2: skipped - -> -",
		"kvm_3 198.18.3.1: kept right.example -> right.example",
		"kvm_4 198.18.4.1: skipped - -> a.example",
	)
	wantFailure(t, err, "apply", edis.OutcomeUnknown, edis.ErrServer, edis.ErrInvalidInput)
	wantInText(t, err, "3 of 5 records", "kvm_2: getPTR: HTTP 503", "kvm_4: getPTR: Session.Signature")
	wantRetry(t, err, true, 0) // kvm_2 may work later
}

func TestServersCallsTheServiceOnlyToLogIn(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	servers, err := reconcile.Servers(t.Context(), f.account)
	if err != nil || len(servers) != 2 || servers[1].Session.KVMID != kvm(2) {
		t.Errorf("Servers = %v, %v, want those of kvm_1 and kvm_2", servers, err)
	}
	f.wantRequests(t, "Servers")
	f.ExpireSessions() // the account logs in once, for both
	if _, err := f.apply(t, reconcile.Records{"": {v4(1, 1): "a.example", v4(2, 1): "a.example"}}, &reconcile.Options{Parallel: 1}); err != nil {
		t.Fatal(err)
	}
	f.wantRequests(t, "the plan", "getPTR kvm_1", "createAuthSession", "getPTR kvm_1", "getPTR kvm_2", "setPTR kvm_1", "setPTR kvm_2")
	servers, err = reconcile.Servers(t.Context(), f.client.Account(edis.Credentials{Email: "mistyped@example.com", Password: "p"}))
	wantFailure(t, err, "createAuthSession", edis.OutcomeUnchanged, edis.ErrLoginRefused)
	if servers != nil {
		t.Errorf("Servers = %v with an error, want none", servers)
	}
}

// Without a source, a server is called with its session as it is.
func TestStoredSessionNeedsNoLogin(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	f.servers[0].Source = nil
	if _, err := f.apply(t, reconcile.Records{"": {v4(1, 1): "a.example"}}, nil); err != nil {
		t.Fatal(err)
	}
	f.wantRequests(t, "the plan", "getPTR kvm_1", "setPTR kvm_1")
	f.ExpireSessions()
	changes, err := f.apply(t, reconcile.Records{"": {v4(1, 1): "b.example"}}, nil)
	wantChanges(t, "Apply", changes, "kvm_1 198.18.1.1: skipped - -> b.example")
	wantFailure(t, err, "apply", edis.OutcomeUnchanged, edis.ErrUnauthorized)
}

func TestProgress(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 20)
	f.SetPTRs(map[netip.Addr]string{v4(1, 2): "old.example"})
	records := reconcile.Records{"": {v4(1, 2): "new.example"}}
	for server := range 20 {
		records[kvm(server+1)] = map[netip.Addr]string{v4(server+1, 1): "a.example", v6(server+1, 1): ""}
	}
	var calls sync.Mutex
	var done []int
	plan := f.newPlan(t, records, &reconcile.Options{Batch: 1, Progress: func(d int) {
		if !calls.TryLock() {
			t.Error("a call of Progress overlaps with another")
			return
		}
		defer calls.Unlock()
		time.Sleep(time.Millisecond) // gives other calls time to begin
		done = append(done, d)
	}})
	wantSteps := func(when string, last int) {
		t.Helper()
		if !slices.IsSorted(done) || len(done) < 20 || done[len(done)-1] != last {
			t.Errorf("%s calls Progress with %v, want ascending numbers up to %d", when, done, last)
		}
	}
	wantSteps("NewPlan", 41)
	done = nil
	if _, err := plan.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantSteps("Apply", 21)
}

func TestServersSideBySide(t *testing.T) {
	t.Parallel()
	for parallel, want := range map[int]time.Duration{0: 3 * time.Second, -1: 3 * time.Second, 1: 20 * time.Second, 5: 4 * time.Second, 50: time.Second} {
		synctest.Test(t, func(t *testing.T) {
			f := newFleet(t, 20)
			f.SetDelay(time.Second)
			records := make(reconcile.Records)
			for server := range 20 {
				records[kvm(server+1)] = map[netip.Addr]string{v4(server+1, 1): "a.example"}
			}
			started := time.Now()
			plan := f.newPlan(t, records, &reconcile.Options{Parallel: parallel, MaxAge: time.Minute})
			planned := time.Since(started)
			if _, err := plan.Apply(t.Context()); err != nil {
				t.Fatal(err)
			}
			if applied := time.Since(started) - planned; planned != want || applied != want {
				t.Errorf("20 servers at 1s a request with Parallel %d: NewPlan took %v and Apply %v, want %v each", parallel, planned, applied, want)
			}
		})
	}
}
