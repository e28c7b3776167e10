package reconcile_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"testing"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/edistest"
	"github.com/edisptr/edis-go/pkg/reconcile"
)

func everything(string, netip.Addr) bool { return true }

func TestPruneDeletesWhatItIsAskedAbout(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 3)
	setAndDelete(t, f, v4(1, 7)) // listed without a record
	f.SetPTRs(map[netip.Addr]string{
		v4(1, 1): "named.example",
		v4(1, 2): "unnamed.example",
		v4(1, 3): "198-18-1-3.static.edis.at",
		v4(1, 4): "unnamed.example",
		v4(2, 1): "named.example",
		v4(3, 1): "unnamed.example",
		v6(3, 1): "unnamed.example",
	})
	var asked []string
	plan := f.newPlan(t, reconcile.Records{"": {v4(1, 1): "named.example", v4(2, 1): ""}, kvm(3): {}}, &reconcile.Options{
		Prune: func(kvmID string, addr netip.Addr) bool {
			asked = append(asked, fmt.Sprint(kvmID, " ", addr))
			return addr != v4(1, 4)
		},
	})
	slices.Sort(asked)
	if want := []string{"kvm_1 198.18.1.2", "kvm_1 198.18.1.4", "kvm_3 198.18.3.1", "kvm_3 2001:db8:0:3::1"}; !slices.Equal(asked, want) {
		t.Errorf("Prune was asked about %q, want %q", asked, want)
	}
	wantChanges(t, "Changes", plan.Changes(),
		"kvm_1 198.18.1.1: kept named.example -> named.example",
		"kvm_1 198.18.1.2: planned unnamed.example -> - (pruned)",
		"kvm_2 198.18.2.1: planned named.example -> -",
		"kvm_3 198.18.3.1: planned unnamed.example -> - (pruned)",
		"kvm_3 2001:db8:0:3::1: planned unnamed.example -> - (pruned)",
	)
	f.wantRequests(t, "NewPlan", "list kvm_1", "list kvm_2", "list kvm_3")
	plan.Drop(func(c reconcile.Change) bool { return c.Pruned && c.Addr.Is6() })
	if _, err := plan.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.wantPTRs(t, map[netip.Addr]string{
		v4(1, 1): "named.example",
		v4(1, 3): "198-18-1-3.static.edis.at",
		v4(1, 4): "unnamed.example",
		v6(3, 1): "unnamed.example",
	})
}

func TestServersAreListedOnceToFindAndToPrune(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 3)
	f.SetPTRs(map[netip.Addr]string{v4(2, 9): "a.example"})
	f.newPlan(t, reconcile.Records{"": {v4(2, 9): "a.example"}}, &reconcile.Options{Prune: everything, Parallel: 1})
	f.wantRequests(t, "NewPlan", "list kvm_1", "list kvm_2", "list kvm_3")
}

func TestNothingIsPrunedByDefault(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	f.SetPTRs(map[netip.Addr]string{v6(1, 1): "named.example", v6(1, 2): "unnamed.example"})
	changes, err := f.apply(t, reconcile.Records{"": {v6(1, 1): "named.example"}, kvm(2): {}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	wantChanges(t, "Apply", changes, "kvm_1 2001:db8:0:1::1: kept named.example -> named.example")
}

// A record under the wrong server is a mistake in the input, and no reason to delete it
// from the right one.
func TestPruneKeepsAnAddressThatIsNamedForAnotherServer(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	before := map[netip.Addr]string{v4(1, 1): "host-1.example", v4(2, 1): "host-2.example", v6(1, 1): "host-1.example"}
	f.SetPTRs(before)
	records := reconcile.Records{
		kvm(1): {v4(1, 1): "host-1.example"},
		kvm(2): {v4(2, 1): "host-2.example", v6(1, 1): "host-1.example"},
	}
	_, err := reconcile.NewPlan(t.Context(), f.client, f.servers, records, &reconcile.Options{Prune: everything})
	wantFailure(t, err, "plan", edis.OutcomeUnchanged, edis.ErrInvalidInput)
	wantInputErrors(t, err, `address: "2001:db8:0:1::1" belongs to kvm_1, not to kvm_2`)

	// If the right one cannot be listed, nobody knows that it is the right one.
	f.refuseToList(http.StatusServiceUnavailable, kvm(1))
	changes, err := f.apply(t, records, &reconcile.Options{Prune: everything})
	wantChanges(t, "Apply", changes,
		"kvm_1 invalid IP: skipped - -> - (pruned)",
		"kvm_1 198.18.1.1: kept host-1.example -> host-1.example",
		"kvm_2 198.18.2.1: kept host-2.example -> host-2.example",
		"kvm_2 2001:db8:0:1::1: refused - -> host-1.example",
	)
	wantFailure(t, err, "apply", edis.OutcomeUnchanged)
	f.wantPTRs(t, before)
}

// The reverse zones of one server are in different files.
func TestPruneCoversTheZonesOfTheRecordsOnly(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	before := map[netip.Addr]string{v4(1, 10): "mail.example.com", v6(1, 10): "mail.example.com", v4(1, 11): "unnamed.example"}
	ipv4, ipv6 := map[netip.Addr]string{v4(1, 10): "mail.example.com"}, map[netip.Addr]string{v6(1, 10): "mail.example.com"}
	for name, test := range map[string]struct {
		records reconcile.Records
		prune   func(string, netip.Addr) bool
	}{
		"both zones":    {reconcile.Records{"": ipv4, kvm(1): ipv6}, everything},
		"the IPv4 zone": {reconcile.Records{"": ipv4}, func(_ string, addr netip.Addr) bool { return addr.Is4() }},
	} {
		f.SetPTRs(before)
		if _, err := f.apply(t, test.records, &reconcile.Options{Prune: test.prune}); err != nil {
			t.Errorf("with %s: %v", name, err)
		}
		f.wantPTRs(t, map[netip.Addr]string{v4(1, 10): "mail.example.com", v6(1, 10): "mail.example.com"})
	}
}

// However fresh the plan is.
func TestPrunedRecordIsReadAgain(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	f.SetPTRs(map[netip.Addr]string{v4(1, 1): "a.example", v4(1, 2): "a.example", v4(1, 3): "a.example", v4(1, 4): "a.example"})
	plan := f.newPlan(t, reconcile.Records{kvm(1): {}}, &reconcile.Options{Prune: everything})
	if err := f.client.DeletePTR(t.Context(), f.servers[0].Source, v4(1, 3)); err != nil {
		t.Fatal(err)
	}
	f.SetPTRs(map[netip.Addr]string{v4(1, 2): "somebody-else.example", v4(1, 4): "198-18-1-4.static.edis.at"})
	f.requests()
	changes, err := plan.Apply(t.Context())
	f.wantRequests(t, "Apply", "getPTR kvm_1", "deletePTR kvm_1")
	wantChanges(t, "Apply", changes,
		"kvm_1 198.18.1.1: deleted a.example -> - (pruned)",
		"kvm_1 198.18.1.2: changed a.example -> - (pruned)",
		"kvm_1 198.18.1.3: absent - -> - (pruned)",
		"kvm_1 198.18.1.4: default 198-18-1-4.static.edis.at -> - (pruned)",
	)
	wantFailure(t, err, "apply", edis.OutcomeUnknown, reconcile.ErrChanged)
	f.wantPTRs(t, map[netip.Addr]string{v4(1, 2): "somebody-else.example", v4(1, 4): "198-18-1-4.static.edis.at"})
}

func TestPruneThatCannotListIsReported(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 3)
	before := map[netip.Addr]string{v4(1, 9): "unnamed.example", v4(2, 9): "unnamed.example"}
	f.SetPTRs(before)
	f.refuseToList(http.StatusBadRequest, kvm(1), kvm(3))
	changes, err := f.apply(t, reconcile.Records{kvm(1): {}, kvm(3): {v4(3, 1): "a.example"}}, &reconcile.Options{Prune: everything})
	wantChanges(t, "Apply", changes,
		"kvm_1 invalid IP: skipped - -> - (pruned)",
		"kvm_2 198.18.2.9: deleted unnamed.example -> - (pruned)",
		"kvm_3 invalid IP: skipped - -> - (pruned)",
		"kvm_3 198.18.3.1: set - -> a.example",
	)
	wantFailure(t, err, "apply", edis.OutcomeUnknown)
	wantInText(t, err, "2 of 4 records failed: kvm_1, kvm_3: its records could not be listed, so none was pruned: ", "HTTP 400")
	f.wantPTRs(t, map[netip.Addr]string{v4(1, 9): "unnamed.example", v4(3, 1): "a.example"})
}

// What is wrong with a server is no reason to delete its other records.
func TestServerThatFailedIsNotPruned(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	before := map[netip.Addr]string{v4(1, 9): "unnamed.example"}
	f.SetPTRs(before)
	f.before = func(c call) {
		if c.op == edistest.GetPTR && !c.list {
			f.Fail(edistest.GetPTR, edistest.Fault{Status: http.StatusBadRequest})
		}
	}
	changes, _ := f.apply(t, reconcile.Records{"": {v4(1, 1): ""}}, &reconcile.Options{Prune: everything})
	wantChanges(t, "Apply", changes, "kvm_1 198.18.1.1: skipped - -> -")
	f.wantPTRs(t, before)
}
