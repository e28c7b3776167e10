package reconcile_test

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/edistest"
	"github.com/edisptr/edis-go/pkg/reconcile"
)

func TestServerIsFoundFromTheAddress(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		address  netip.Addr
		kvmID    string
		requests []string
	}{
		"a primary address needs no lookup": {
			v4(3, 1), kvm(3), []string{"getPTR kvm_3"},
		},
		"an IPv4-mapped address is the same": {
			netip.AddrFrom16(v4(3, 1).As16()), kvm(3), []string{"getPTR kvm_3"},
		},
		"servers are listed until the address is found": {
			v4(2, 9), kvm(2), []string{"list kvm_1", "list kvm_2"},
		},
		"a listed address without a record belongs to the server": {
			v4(2, 8), kvm(2), []string{"list kvm_1", "list kvm_2"},
		},
		"an IPv6 address belongs where others of its /64 are": {
			v6(2, 77), kvm(2), []string{"list kvm_1", "list kvm_2", "list kvm_3", "list kvm_4"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, 4)
			f.SetPTRs(map[netip.Addr]string{v4(1, 9): "a.example", v4(2, 9): "b.example", v6(2, 1): "b.example", v6(3, 1): "c.example"})
			setAndDelete(t, f, v4(2, 8))
			plan := f.newPlan(t, reconcile.Records{"": {test.address: "new.example"}}, &reconcile.Options{Parallel: 1})
			f.wantRequests(t, "NewPlan", test.requests...)
			if got := plan.Changes()[0].KVMID; got != test.kvmID {
				t.Errorf("NewPlan finds %s at %s, want %s", test.address, got, test.kvmID)
			}
			if _, err := plan.Apply(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// setAndDelete makes the recorded form of the service list an address without a record.
func setAndDelete(t *testing.T, f *fleet, address netip.Addr) {
	t.Helper()
	f.SetDialect(edistest.Recorded)
	f.SetPTRs(map[netip.Addr]string{address: "old.example"})
	for _, server := range f.servers {
		if server.Session.PrimaryIP.As4()[2] == address.As4()[2] {
			if err := f.client.DeletePTR(t.Context(), server.Source, address); err != nil {
				t.Fatal(err)
			}
		}
	}
	f.requests()
}

// It may be so in a stored session.
func TestPrimaryAddressMayBeIPv4Mapped(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	f.servers[1].Session.PrimaryIP = netip.AddrFrom16(v4(2, 1).As16())
	f.newPlan(t, reconcile.Records{"": {v4(2, 1): "a.example"}}, nil)
	f.wantRequests(t, "NewPlan", "getPTR kvm_2")
}

func TestOneServerNeedsNoLookup(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	f.refuseToList(http.StatusBadRequest)
	changes, err := f.apply(t, reconcile.Records{"": {v4(1, 9): "a.example", v6(1, 9): "a.example"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	wantChanges(t, "Apply", changes, "kvm_1 198.18.1.9: set - -> a.example", "kvm_1 2001:db8:0:1::9: set - -> a.example")
	f.wantRequests(t, "the plan", "getPTR kvm_1", "setPTR kvm_1")
}

func TestGivenServerNeedsNoLookup(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 3)
	f.refuseToList(http.StatusBadRequest)
	if _, err := f.apply(t, reconcile.Records{kvm(2): {v4(2, 9): "a.example"}}, nil); err != nil {
		t.Fatal(err)
	}
	f.wantRequests(t, "the plan", "getPTR kvm_2", "setPTR kvm_2")
}

// What was listed is not read again, except that an address to be without a record is: a
// list that lacks it proves nothing.
func TestListedServerIsReadOnlyForWhatTheListLacks(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	f.SetPTRs(map[netip.Addr]string{v6(1, 1): "old.example", v6(1, 2): "gone.example", v6(1, 3): "right.example"})
	records := reconcile.Records{"": {v6(1, 1): "new.example", v6(1, 2): "", v6(1, 3): "right.example", v4(1, 1): "new.example"}}
	plan := f.newPlan(t, records, nil)
	f.wantRequests(t, "NewPlan", "list kvm_1", "list kvm_2")
	wantChanges(t, "Changes", plan.Changes(),
		"kvm_1 198.18.1.1: planned - -> new.example",
		"kvm_1 2001:db8:0:1::1: planned old.example -> new.example",
		"kvm_1 2001:db8:0:1::2: planned gone.example -> -",
		"kvm_1 2001:db8:0:1::3: kept right.example -> right.example",
	)
	records[""][v6(1, 4)] = ""
	plan = f.newPlan(t, records, nil)
	f.wantRequests(t, "NewPlan", "list kvm_1", "list kvm_2", "getPTR kvm_1")
	if got := plan.Changes()[4].State; got != reconcile.StateAbsent {
		t.Errorf("an address that nobody has is %s, want absent", got)
	}
}

// Otherwise the round after a deletion would fail.
func TestAddressToBeWithoutARecordNeedsNoServer(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	f.SetPTRs(map[netip.Addr]string{v4(2, 9): "old.example"})
	for _, want := range []string{"kvm_2 198.18.2.9: deleted old.example -> -", "? 198.18.2.9: absent - -> -"} {
		changes, err := f.apply(t, reconcile.Records{"": {v4(2, 9): ""}}, nil)
		if err != nil {
			t.Error(err)
		}
		wantChanges(t, "Apply", changes, want)
	}
}

func TestServiceThatDoesNotList(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 12)
	f.refuseToList(http.StatusBadRequest)
	_, err := reconcile.NewPlan(t.Context(), f.client, f.servers, reconcile.Records{"": {v4(1, 1): "a.example", v4(9, 9): "a.example", v6(9, 9): ""}}, nil)
	wantFailure(t, err, "plan", edis.OutcomeUnchanged, edis.ErrInvalidInput)
	wantInputErrors(t, err,
		`address: "198.18.9.9" cannot be assigned to a server, as the service does not list records; give the KVM ID of its server`,
		`address: "2001:db8:0:9::9" cannot be assigned to a server, as the service does not list records; give the KVM ID of its server`,
	)
	if got := len(f.requests()); got != 8 {
		t.Errorf("NewPlan tried to list %d of 12 servers, want 8", got)
	}
	changes, err := f.apply(t, reconcile.Records{"": {v4(1, 1): "a.example"}, kvm(9): {v4(9, 9): "a.example"}}, nil)
	if err != nil {
		t.Fatalf("with KVM IDs: %v", err)
	}
	wantChanges(t, "Apply", changes, "kvm_1 198.18.1.1: set - -> a.example", "kvm_9 198.18.9.9: set - -> a.example")
}

// The input is not invalid because the service fails.
func TestServiceThatCannotListForNow(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 12)
	f.refuseToList(http.StatusServiceUnavailable)
	changes, err := f.apply(t, reconcile.Records{"": {v4(9, 9): "a.example"}}, nil)
	wantChanges(t, "Apply", changes, "? 198.18.9.9: skipped - -> a.example")
	wantFailure(t, err, "apply", edis.OutcomeUnchanged, edis.ErrServer)
	wantRetry(t, err, true, 0)
}

// A server that cannot be listed may have the addresses that no other server has. The
// rest of the plan is not affected.
func TestServerThatCannotBeListed(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"for now": http.StatusServiceUnavailable, "as if the service could not": http.StatusBadRequest} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, 3)
			f.SetPTRs(map[netip.Addr]string{v4(3, 9): "old.example", v4(1, 9): "old.example"})
			f.refuseToList(status, kvm(1))
			records := reconcile.Records{"": {v4(3, 9): "new.example", v4(1, 9): "new.example", v4(1, 8): "new.example", v4(1, 1): "new.example"}}
			changes, err := f.apply(t, records, &reconcile.Options{Parallel: 1})
			wantChanges(t, "Apply", changes,
				"? 198.18.1.8: skipped - -> new.example",
				"? 198.18.1.9: skipped - -> new.example",
				"kvm_1 198.18.1.1: set - -> new.example",
				"kvm_3 198.18.3.9: set old.example -> new.example",
			)
			wantFailure(t, err, "apply", edis.OutcomeUnknown)
			wantInText(t, err, "2 of 4 records failed: its server was not found, as kvm_1 could not be listed: ", http.StatusText(status))
		})
	}
}
