package reconcile_test

import (
	"context"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"testing"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/edistest"
	"github.com/edisptr/edis-go/pkg/reconcile"
)

func TestListReturnsTheRecordsOfEachServer(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 3)
	f.SetPTRs(map[netip.Addr]string{v4(1, 1): "a.example", v6(1, 1): "b.example", v4(3, 1): "c.example"})
	f.refuseToList(http.StatusServiceUnavailable, kvm(2))
	slices.Reverse(f.servers)
	var done []int
	listings, err := reconcile.List(t.Context(), f.client, f.servers, &reconcile.Options{Progress: func(d int) { done = append(done, d) }})
	if err != nil || len(listings) != 3 {
		t.Fatalf("List = %v, %v, want three listings", listings, err)
	}
	want := []map[netip.Addr]string{
		{v4(3, 1): "c.example"},
		nil,
		{v4(1, 1): "a.example", v6(1, 1): "b.example"},
	}
	for i, l := range listings {
		if l.Server.Session.KVMID != kvm(3-i) || l.Server.Source != f.servers[i].Source || !maps.Equal(l.Records, want[i]) {
			t.Errorf("listing %d is of %s and has %v, want %s and %v", i, l.Server.Session.KVMID, l.Records, kvm(3-i), want[i])
		}
		if failed := l.Err != nil; failed != (want[i] == nil) {
			t.Errorf("the Err of %s is %v", l.Server.Session.KVMID, l.Err)
		}
	}
	wantOutcome(t, "a listing that failed", listings[1].Err, edis.OutcomeUnchanged)
	if !slices.Equal(done, []int{1, 2, 3}) {
		t.Errorf("List calls Progress with %v, want 1, 2 and 3", done)
	}
	f.wantRequests(t, "List", "list kvm_1", "list kvm_2", "list kvm_3")
}

func TestListEndsWithItsContext(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	_, err := reconcile.List(canceled(t), f.client, f.servers, nil)
	wantFailure(t, err, "list", edis.OutcomeUnchanged, context.Canceled)
	f.wantRequests(t, "List")
}

func TestRefusedLoginEndsTheList(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 3)
	f.ExpireSessions()
	f.FailAlways(edistest.Login, edistest.Fault{Status: http.StatusForbidden})
	_, err := reconcile.List(t.Context(), f.client, f.servers, &reconcile.Options{Parallel: 1})
	wantFailure(t, err, "list", edis.OutcomeUnchanged, edis.ErrLoginRefused)
	f.wantRequests(t, "List", "list kvm_1", "createAuthSession")
}
