package reconcile_test

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/edistest"
	"github.com/edisptr/edis-go/pkg/reconcile"
)

// The records to write are two to set, two to delete, and one that is right.
func TestStatesAfterAWriteThatFails(t *testing.T) {
	t.Parallel()
	const (
		set1, set2 = "kvm_1 198.18.1.1: set - -> a.example", "kvm_1 198.18.1.2: set old.example -> b.example"
		del1, del2 = "kvm_1 198.18.1.3: deleted old.example -> -", "kvm_1 198.18.1.4: deleted old.example -> -"
		skipped1   = "kvm_1 198.18.1.3: skipped old.example -> -"
		skipped2   = "kvm_1 198.18.1.4: skipped old.example -> -"
	)
	for name, test := range map[string]struct {
		operation string
		fault     edistest.Fault
		read      bool // whether the records can be read back
		want      [4]string
		outcome   edis.Outcome
	}{
		"a set that was made and not confirmed": {
			edistest.SetPTR, edistest.Fault{Drop: true, Apply: -1}, true,
			[4]string{set1, set2, del1, del2}, edis.OutcomeDone,
		},
		"a deletion that was made and not confirmed": {
			edistest.DeletePTR, edistest.Fault{Reset: true, Apply: -1}, true,
			[4]string{set1, set2, del1, del2}, edis.OutcomeDone,
		},
		"a set that was made in part": {
			edistest.SetPTR, edistest.Fault{Status: 500, Apply: 1}, true,
			[4]string{set1, "kvm_1 198.18.1.2: unknown old.example -> b.example", skipped1, skipped2}, edis.OutcomeUnknown,
		},
		"a deletion that was made in part": {
			edistest.DeletePTR, edistest.Fault{Drop: true, Apply: 1}, true,
			[4]string{set1, set2, del1, "kvm_1 198.18.1.4: unknown old.example -> -"}, edis.OutcomeUnknown,
		},
		"a set that was made, and cannot be read back": {
			edistest.SetPTR, edistest.Fault{Drop: true, Apply: -1}, false,
			[4]string{"kvm_1 198.18.1.1: unknown - -> a.example", "kvm_1 198.18.1.2: unknown old.example -> b.example", skipped1, skipped2}, edis.OutcomeUnknown,
		},
		"a set that was not made": {
			edistest.SetPTR, edistest.Fault{Status: 503}, true,
			[4]string{"kvm_1 198.18.1.1: unknown - -> a.example", "kvm_1 198.18.1.2: unknown old.example -> b.example", skipped1, skipped2}, edis.OutcomeUnknown,
		},
		"a set that is refused because of one record, perhaps": {
			edistest.SetPTR, edistest.Fault{Status: 400}, true,
			[4]string{"kvm_1 198.18.1.1: unknown - -> a.example", "kvm_1 198.18.1.2: unknown old.example -> b.example", skipped1, skipped2}, edis.OutcomeUnknown,
		},
		"a set that is refused as a whole": {
			edistest.SetPTR, edistest.Fault{Status: 429}, true,
			[4]string{"kvm_1 198.18.1.1: refused - -> a.example", "kvm_1 198.18.1.2: refused old.example -> b.example", skipped1, skipped2}, edis.OutcomeUnchanged,
		},
		"a deletion that is refused as a whole": {
			edistest.DeletePTR, edistest.Fault{Status: 429}, true,
			[4]string{set1, set2, "kvm_1 198.18.1.3: refused old.example -> -", "kvm_1 198.18.1.4: refused old.example -> -"}, edis.OutcomeUnknown,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFleet(t, 1)
				f.SetPTRs(map[netip.Addr]string{v4(1, 2): "old.example", v4(1, 3): "old.example", v4(1, 4): "old.example", v4(1, 5): "right.example"})
				plan := f.newPlan(t, reconcile.Records{"": {v4(1, 1): "a.example", v4(1, 2): "b.example", v4(1, 3): "", v4(1, 4): "", v4(1, 5): "right.example"}}, nil)
				f.Fail(test.operation, test.fault)
				if !test.read {
					f.FailAlways(edistest.GetPTR, edistest.Fault{Drop: true})
				}
				changes, err := plan.Apply(t.Context())
				wantChanges(t, "Apply", changes, append(test.want[:], "kvm_1 198.18.1.5: kept right.example -> right.example")...)
				if test.outcome == edis.OutcomeDone {
					if err != nil {
						t.Errorf("Apply = %v, want no error", err)
					}
					return
				}
				wantFailure(t, err, "apply", test.outcome)
			})
		})
	}
}

// What is read back may still differ for a while: the service shows a write late.
func TestReadingBackWaitsForTheService(t *testing.T) {
	t.Parallel()
	for lag, want := range map[time.Duration]reconcile.State{100 * time.Millisecond: reconcile.StateSet, time.Minute: reconcile.StateUnknown} {
		synctest.Test(t, func(t *testing.T) {
			f := newFleet(t, 1)
			f.SetLag(lag)
			plan := f.newPlan(t, reconcile.Records{"": {v4(1, 1): "a.example"}}, nil)
			f.Fail(edistest.SetPTR, edistest.Fault{Drop: true, Apply: -1})
			started := time.Now()
			changes, _ := plan.Apply(t.Context())
			if got, took := changes[0].State, time.Since(started); got != want || took > 5*time.Second {
				t.Errorf("if a write shows after %v, the state after %v is %s, want %s in at most 5s", lag, took, got, want)
			}
		})
	}
}

func TestErrorsOfApply(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 7)
	records := make(reconcile.Records)
	for server := range 7 {
		records[kvm(server+1)] = map[netip.Addr]string{v4(server+1, 1): "a.example"}
	}
	plan := f.newPlan(t, records, &reconcile.Options{Parallel: 1})
	for server, fault := range []edistest.Fault{
		{Status: 400},
		{Status: 429, Header: http.Header{"Retry-After": {"40"}}},
		{Status: 429, Header: http.Header{"Retry-After": {"70"}}},
		{Status: 429},
		{Status: 400},
		{Status: 400},
		{Status: 400},
	} {
		fault.KVMID = kvm(server + 1)
		f.Fail(edistest.SetPTR, fault)
	}
	changes, err := plan.Apply(t.Context())
	wantFailure(t, err, "apply", edis.OutcomeUnchanged, edis.ErrRateLimited)
	wantRetry(t, err, true, 70*time.Second)
	want := "edis: apply: 7 of 7 records failed: " +
		"kvm_1, kvm_5, kvm_6 and 1 more: setPTR: HTTP 400 Bad Request: injected fault; " +
		"kvm_2, kvm_3, kvm_4: setPTR: HTTP 429 Too Many Requests: injected fault; nothing changed"
	if err.Error() != want {
		t.Errorf("the error is\n\t%v\nwant\n\t%s", err, want)
	}
	for _, c := range changes {
		wantOutcome(t, c.KVMID, c.Err, edis.OutcomeUnchanged)
	}
}

// Outcomes of Apply that no write has.
func TestOutcomeOfApplyThatWroteNothing(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	plan := f.newPlan(t, reconcile.Records{kvm(1): {v4(1, 1): "a.example"}, kvm(2): {v4(2, 1): "a.example"}}, nil)
	f.requests()
	changes, err := plan.Apply(canceled(t))
	f.wantRequests(t, "Apply")
	wantFailure(t, err, "apply", edis.OutcomeNotSent, context.Canceled)
	wantChanges(t, "Apply", changes, "kvm_1 198.18.1.1: skipped - -> a.example", "kvm_2 198.18.2.1: skipped - -> a.example")
	for _, c := range changes {
		if c.Err != context.Canceled { //nolint:errorlint // as it is
			t.Errorf("the Err of %s is %v, want %v", c.KVMID, c.Err, context.Canceled)
		}
	}
}

// A sourceFunc is a SessionSource.
type sourceFunc func() (edis.Session, error)

func (s sourceFunc) Session(context.Context) (edis.Session, error) { return s() }

func TestWriteThatWasNotSent(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	session, err := f.servers[0].Source.Session(t.Context())
	stolen := errors.New("the session is gone")
	f.servers[0].Source = sourceFunc(func() (edis.Session, error) { return session, err })
	plan := f.newPlan(t, reconcile.Records{"": {v4(1, 1): "a.example"}}, nil)
	err = stolen
	changes, applyErr := plan.Apply(t.Context())
	wantChanges(t, "Apply", changes, "kvm_1 198.18.1.1: skipped - -> a.example")
	wantFailure(t, applyErr, "apply", edis.OutcomeNotSent, stolen)
}

func TestInterruptedApply(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	records := reconcile.Records{
		kvm(1): {v4(1, 1): "a.example", v4(1, 2): "a.example", v4(1, 3): "a.example"},
		kvm(2): {v4(2, 1): "a.example"},
	}
	plan := f.newPlan(t, records, &reconcile.Options{Batch: 1, Parallel: 1})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	writes := 0
	f.before = func(call) {
		if writes++; writes == 2 {
			cancel()
		}
	}
	changes, err := plan.Apply(ctx)
	wantFailure(t, err, "apply", edis.OutcomeUnknown, context.Canceled)
	var states []reconcile.State
	for _, c := range changes {
		states = append(states, c.State)
	}
	// The second write may have been sent or not.
	if want := []reconcile.State{"set", states[1], "skipped", "skipped"}; !slices.Equal(states, want) {
		t.Errorf("the states are %q, want %q", states, want)
	}
	if states[1] != reconcile.StateUnknown && states[1] != reconcile.StateSkipped {
		t.Errorf("the interrupted write is %q, want unknown or skipped", states[1])
	}
	f.before = func(call) {}
	if _, err := f.apply(t, records, nil); err != nil {
		t.Errorf("a new plan: %v", err)
	}
	if got := len(f.PTRs()); got != 4 {
		t.Errorf("a new plan leaves %d records, want 4", got)
	}
}

func TestInterruptedReadingBack(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	plan := f.newPlan(t, reconcile.Records{"": {v4(1, 1): "a.example"}}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	f.Fail(edistest.SetPTR, edistest.Fault{Status: 500})
	f.before = func(c call) {
		if c.op == edistest.GetPTR {
			cancel()
		}
	}
	changes, err := plan.Apply(ctx)
	wantChanges(t, "Apply", changes, "kvm_1 198.18.1.1: unknown - -> a.example")
	wantFailure(t, err, "apply", edis.OutcomeUnknown, edis.ErrServer, context.Canceled)
}

// A refused login ends the rest, but not the write of a server that has a session: its
// outcome would be unknown.
func TestRefusedLoginInterruptsNoWrite(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, 5)
		records := make(reconcile.Records)
		for server := range 5 {
			records[kvm(server+1)] = map[netip.Addr]string{v4(server+1, 1): "a.example"}
		}
		plan := f.newPlan(t, records, &reconcile.Options{Parallel: 2})
		f.requests()
		f.ExpireSessions(kvm(2))
		f.FailAlways(edistest.Login, edistest.Fault{Status: http.StatusUnauthorized})
		f.Fail(edistest.SetPTR, edistest.Fault{KVMID: kvm(1), Delay: 5 * time.Second})
		changes, err := plan.Apply(t.Context())
		f.wantRequests(t, "Apply", "setPTR kvm_1", "setPTR kvm_2", "createAuthSession")
		wantChanges(t, "Apply", changes,
			"kvm_1 198.18.1.1: set - -> a.example",
			"kvm_2 198.18.2.1: refused - -> a.example",
			"kvm_3 198.18.3.1: skipped - -> a.example",
			"kvm_4 198.18.4.1: skipped - -> a.example",
			"kvm_5 198.18.5.1: skipped - -> a.example",
		)
		wantFailure(t, err, "apply", edis.OutcomeUnknown, edis.ErrLoginRefused)
	})
}

func TestApplyStopsAtTheFirstFailureOfAServer(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	records := reconcile.Records{
		kvm(1): {v4(1, 1): "a.example", v4(1, 2): "a.example", v4(1, 3): "a.example"},
		kvm(2): {v4(2, 1): "a.example"},
	}
	plan := f.newPlan(t, records, &reconcile.Options{Batch: 1, MaxAge: -1})
	f.requests()
	reads := 0
	f.before = func(c call) {
		if c.op == edistest.GetPTR && c.kvmID == kvm(1) {
			if reads++; reads == 2 {
				f.Fail(edistest.GetPTR, edistest.Fault{KVMID: kvm(1), Status: 500})
			}
		}
	}
	changes, err := plan.Apply(t.Context())
	f.wantRequests(t, "Apply", "getPTR kvm_1", "setPTR kvm_1", "getPTR kvm_1", "getPTR kvm_2", "setPTR kvm_2")
	wantChanges(t, "Apply", changes,
		"kvm_1 198.18.1.1: set - -> a.example",
		"kvm_1 198.18.1.2: skipped - -> a.example",
		"kvm_1 198.18.1.3: skipped - -> a.example",
		"kvm_2 198.18.2.1: set - -> a.example",
	)
	wantFailure(t, err, "apply", edis.OutcomeUnknown, edis.ErrServer)
}

// Before anything is applied, Err names the servers that could not be read.
func TestErrOfPlan(t *testing.T) {
	t.Parallel()
	server := edistest.NewServer()
	t.Cleanup(server.Close)
	client, err := edis.NewClient(server.Options())
	if err != nil {
		t.Fatal(err)
	}
	newPlan := func() *reconcile.Plan {
		plan, err := reconcile.NewPlan(t.Context(), client, []reconcile.Server{{Session: server.Session()}}, reconcile.Records{"": {netip.MustParseAddr("192.0.2.1"): "a.example"}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return plan
	}
	if err := newPlan().Err(); err != nil {
		t.Errorf("Err of a plan that can be applied = %v, want nil", err)
	}
	server.Fail(edistest.GetPTR, edistest.Fault{Status: 403})
	err = newPlan().Err()
	if failed := new(edis.CallError); !errors.As(err, &failed) || failed.Op != "plan" || edis.OutcomeOf(err) != edis.OutcomeUnchanged || !strings.Contains(err.Error(), server.Session().KVMID) {
		t.Errorf("Err of a plan whose server was not read = %v with outcome %v, want a CallError of the plan that names the server, unchanged", err, edis.OutcomeOf(err))
	}
}
