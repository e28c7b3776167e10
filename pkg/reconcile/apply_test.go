package reconcile_test

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/edistest"
	"github.com/edisptr/edis-go/pkg/reconcile"
)

func TestApplySendsOnlyWritesForWhatIsFresh(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 3)
	f.SetPTRs(map[netip.Addr]string{v4(1, 2): "gone.example", v4(2, 1): "right.example"})
	plan := f.newPlan(t, reconcile.Records{
		kvm(1): {v4(1, 1): "a.example", v6(1, 1): "b.example", v4(1, 2): "", v4(1, 3): ""},
		kvm(2): {v4(2, 1): "right.example"},
		kvm(3): {v4(3, 1): "c.example"},
	}, nil)
	f.requests()
	changes, err := plan.Apply(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f.wantRequests(t, "Apply", "setPTR kvm_1", "deletePTR kvm_1", "setPTR kvm_3")
	want := []string{
		"kvm_1 198.18.1.1: set - -> a.example",
		"kvm_1 198.18.1.2: deleted gone.example -> -",
		"kvm_1 198.18.1.3: absent - -> -",
		"kvm_1 2001:db8:0:1::1: set - -> b.example",
		"kvm_2 198.18.2.1: kept right.example -> right.example",
		"kvm_3 198.18.3.1: set - -> c.example",
	}
	wantChanges(t, "Apply", changes, want...)
	wantChanges(t, "Changes after Apply", plan.Changes(), want...)
	f.wantPTRs(t, map[netip.Addr]string{v4(1, 1): "a.example", v6(1, 1): "b.example", v4(2, 1): "right.example", v4(3, 1): "c.example"})
}

func TestOverwriteReadsNoNamesThatItSets(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	f.SetPTRs(map[netip.Addr]string{v4(1, 1): "old.example", v4(1, 2): "gone.example", v4(2, 9): "same.example"})
	for name, test := range map[string]struct {
		records  reconcile.Records
		changes  []string
		requests []string
	}{
		"set": {
			reconcile.Records{kvm(1): {v4(1, 1): "old.example"}},
			[]string{"kvm_1 198.18.1.1: set - -> old.example"},
			[]string{"setPTR kvm_1"},
		},
		"set at a server to be found": {
			reconcile.Records{"": {v4(2, 9): "same.example"}},
			[]string{"kvm_2 198.18.2.9: set - -> same.example"},
			[]string{"list kvm_1", "list kvm_2", "setPTR kvm_2"},
		},
		"delete": {
			reconcile.Records{kvm(1): {v4(1, 2): "", v4(1, 3): ""}},
			[]string{"kvm_1 198.18.1.2: deleted gone.example -> -", "kvm_1 198.18.1.3: absent - -> -"},
			[]string{"getPTR kvm_1", "deletePTR kvm_1"},
		},
	} {
		changes, err := f.apply(t, test.records, &reconcile.Options{Overwrite: true, MaxAge: time.Hour, Parallel: 1})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		wantChanges(t, name, changes, test.changes...)
		f.wantRequests(t, name, test.requests...)
	}
}

// Whatever MaxAge is, there is nothing that the record could be compared with.
func TestOverwriteNeverReadsAgain(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	plan := f.newPlan(t, reconcile.Records{"": {v4(1, 1): "a.example"}}, &reconcile.Options{Overwrite: true, MaxAge: -1})
	f.SetPTRs(map[netip.Addr]string{v4(1, 1): "somebody-else.example"})
	if _, err := plan.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.wantRequests(t, "the plan", "setPTR kvm_1")
}

func TestOldReadingsAreReadAgain(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		maxAge, wait time.Duration
		again        bool
	}{
		"by default after more than 10s": {0, 10*time.Second + 1, true},
		"by default not at 10s":          {0, 10 * time.Second, false},
		"after more than MaxAge":         {time.Minute, time.Minute + 1, true},
		"not at MaxAge":                  {time.Minute, time.Minute, false},
		"always if MaxAge is negative":   {-1, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, records := range []reconcile.Records{
				{kvm(1): {v4(1, 9): "a.example"}, kvm(2): {v4(2, 9): ""}},
				{"": {v4(1, 9): "a.example", v4(2, 9): ""}}, // listed
			} {
				synctest.Test(t, func(t *testing.T) {
					f := newFleet(t, 2)
					f.SetPTRs(map[netip.Addr]string{v4(1, 9): "old.example", v4(2, 9): "old.example"})
					plan := f.newPlan(t, records, &reconcile.Options{MaxAge: test.maxAge})
					time.Sleep(test.wait)
					f.requests()
					changes, err := plan.Apply(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					wantChanges(t, "Apply", changes, "kvm_1 198.18.1.9: set old.example -> a.example", "kvm_2 198.18.2.9: deleted old.example -> -")
					if want := []string{"setPTR kvm_1", "deletePTR kvm_2"}; test.again {
						f.wantRequests(t, "Apply", append(want, "getPTR kvm_1", "getPTR kvm_2")...)
					} else {
						f.wantRequests(t, "Apply", want...)
					}
				})
			}
		})
	}
}

// The age of a reading is counted from before its request.
func TestSlowReadingIsOld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, 2)
		f.SetDelay(11 * time.Second)
		if _, err := f.apply(t, reconcile.Records{"": {v4(1, 1): "a.example"}}, nil); err != nil {
			t.Fatal(err)
		}
		f.wantRequests(t, "the plan", "getPTR kvm_1", "getPTR kvm_1", "setPTR kvm_1")
		f.SetPTRs(map[netip.Addr]string{v4(1, 9): "old.example"})
		if _, err := f.apply(t, reconcile.Records{"": {v4(1, 9): "a.example"}}, nil); err != nil {
			t.Fatal(err)
		}
		f.wantRequests(t, "the plan", "list kvm_1", "list kvm_2", "getPTR kvm_1", "setPTR kvm_1")
	})
}

// One operator looks at the plan while another one changes records.
func TestPlanThatWaitsDoesNotOverwriteSomebodyElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, 1)
		f.SetPTRs(map[netip.Addr]string{v4(1, 1): "old.example", v4(1, 2): "old.example", v4(1, 3): "old.example", v4(1, 5): "old.example", v4(1, 6): "old.example"})
		plan := f.newPlan(t, reconcile.Records{kvm(1): {
			v4(1, 1): "a.example", v4(1, 2): "", v4(1, 3): "", v4(1, 4): "a.example", v4(1, 5): "a.example", v4(1, 6): "", v4(1, 7): "a.example",
		}}, nil)
		time.Sleep(time.Hour)
		somebodyElse := f.client.Account(fleetCredentials).Server(kvm(1))
		if err := f.client.DeletePTR(t.Context(), somebodyElse, v4(1, 3), v4(1, 6)); err != nil {
			t.Fatal(err)
		}
		written := map[netip.Addr]string{v4(1, 1): "else.example", v4(1, 2): "else.example", v4(1, 4): "else.example", v4(1, 5): "a.example", v4(1, 6): "198-18-1-6.static.edis.at"}
		if err := f.client.SetPTR(t.Context(), somebodyElse, written); err != nil {
			t.Fatal(err)
		}
		changes, err := plan.Apply(t.Context())
		wantChanges(t, "Apply", changes,
			"kvm_1 198.18.1.1: changed old.example -> a.example",
			"kvm_1 198.18.1.2: changed old.example -> -",
			"kvm_1 198.18.1.3: absent - -> -", // somebody else did the same
			"kvm_1 198.18.1.4: changed - -> a.example",
			"kvm_1 198.18.1.5: kept a.example -> a.example",
			"kvm_1 198.18.1.6: default 198-18-1-6.static.edis.at -> -",
			"kvm_1 198.18.1.7: set - -> a.example",
		)
		wantFailure(t, err, "apply", edis.OutcomeUnknown, reconcile.ErrChanged)
		wantInText(t, err, `3 of 7 records failed: kvm_1: the record has changed since the plan: it is "else.example" now`)
		written[v4(1, 7)] = "a.example"
		f.wantPTRs(t, written)
	})
}

func TestRecordDeletedSinceThePlan(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	f.SetPTRs(map[netip.Addr]string{v4(1, 1): "old.example"})
	plan := f.newPlan(t, reconcile.Records{"": {v4(1, 1): "a.example"}}, &reconcile.Options{MaxAge: -1})
	if err := f.client.DeletePTR(t.Context(), f.servers[0].Source, v4(1, 1)); err != nil {
		t.Fatal(err)
	}
	changes, err := plan.Apply(t.Context())
	wantChanges(t, "Apply", changes, "kvm_1 198.18.1.1: changed old.example -> a.example")
	wantFailure(t, err, "apply", edis.OutcomeUnchanged, reconcile.ErrChanged)
	wantInText(t, err, "it is no record now")
}

// Two operators run the tool with different files at the same time.
func TestTwoToolsAtOnce(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	f.SetPTRs(map[netip.Addr]string{v4(1, 1): "old.example", v4(1, 2): "old.example"})
	options := &reconcile.Options{MaxAge: -1}
	first := f.newPlan(t, reconcile.Records{"": {v4(1, 1): "first.example", v4(1, 2): "same.example", v4(1, 3): "first.example"}}, options)
	second := f.newPlan(t, reconcile.Records{"": {v4(1, 1): "second.example", v4(1, 2): "same.example", v4(1, 3): ""}}, options)
	if _, err := first.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.requests()
	changes, err := second.Apply(t.Context())
	wantChanges(t, "the second Apply", changes,
		"kvm_1 198.18.1.1: changed old.example -> second.example",
		"kvm_1 198.18.1.2: kept same.example -> same.example",
		"kvm_1 198.18.1.3: absent - -> -", // as it was when the second tool looked
	)
	wantFailure(t, err, "apply", edis.OutcomeUnchanged, reconcile.ErrChanged)
	f.wantRequests(t, "the second Apply", "getPTR kvm_1")
	f.wantPTRs(t, map[netip.Addr]string{v4(1, 1): "first.example", v4(1, 2): "same.example", v4(1, 3): "first.example"})
}

func TestApplyWritesInBatches(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	records, before := reconcile.Records{kvm(1): {}}, make(map[netip.Addr]string)
	for host := range 120 {
		records[kvm(1)][v4(1, host)] = "a.example"
		records[kvm(1)][v6(1, host)], before[v6(1, host)] = "", "old.example"
	}
	f.SetPTRs(before)
	plan := f.newPlan(t, records, &reconcile.Options{Batch: 50})
	f.requests()
	if _, err := plan.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	set, deleted := "setPTR kvm_1", "deletePTR kvm_1"
	f.wantRequests(t, "Apply", set, set, set, deleted, deleted, deleted)
	if got := len(f.PTRs()); got != 120 {
		t.Errorf("the service has %d records, want 120", got)
	}
}

// A name moves to another address without a time in which no address has it.
func TestApplySetsBeforeItDeletes(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	f.SetPTRs(map[netip.Addr]string{v4(1, 1): "mail.example"})
	plan := f.newPlan(t, reconcile.Records{"": {v4(1, 1): "", v4(1, 2): "mail.example"}}, nil)
	f.FailAlways(edistest.SetPTR, edistest.Fault{Status: 400})
	changes, err := plan.Apply(t.Context())
	wantChanges(t, "Apply", changes, "kvm_1 198.18.1.1: skipped mail.example -> -", "kvm_1 198.18.1.2: refused - -> mail.example")
	wantFailure(t, err, "apply", edis.OutcomeUnchanged)
}

// A plan says nothing about the records after it was applied.
func TestPlanIsAppliedOnce(t *testing.T) {
	t.Parallel()
	server := edistest.NewServer()
	t.Cleanup(server.Close)
	client, err := edis.NewClient(server.Options())
	if err != nil {
		t.Fatal(err)
	}
	plan, err := reconcile.NewPlan(t.Context(), client, []reconcile.Server{{Session: server.Session()}}, reconcile.Records{"": {netip.MustParseAddr("192.0.2.1"): "a.example"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plan.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := len(server.Requests())
	changes, err := plan.Apply(t.Context())
	if edis.OutcomeOf(err) != edis.OutcomeNotSent || len(changes) != 1 || len(server.Requests()) != before {
		t.Errorf("second Apply = %v, %v with %d requests, want the changes, and an error that nothing was sent", changes, err, len(server.Requests())-before)
	}
}
