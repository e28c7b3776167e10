package reconcile_test

import (
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/reconcile"
)

// inputErrors returns the texts of all InputErrors in an error, sorted.
func inputErrors(err error) (texts []string) {
	switch e := err.(type) { //nolint:errorlint // walks the tree
	case *edis.InputError:
		return []string{e.Error()}
	case interface{ Unwrap() error }:
		return inputErrors(e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			texts = append(texts, inputErrors(inner)...)
		}
	}
	slices.Sort(texts)
	return texts
}

// wantInputErrors checks the InputErrors in an error, and that its text has them all.
func wantInputErrors(t *testing.T, err error, want ...string) {
	t.Helper()
	if got := inputErrors(err); !slices.Equal(got, want) {
		t.Errorf("the InputErrors are\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
	wantInText(t, err, want...)
}

func TestOneErrorNamesAllInvalidInput(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 3)
	_, err := reconcile.NewPlan(t.Context(), f.client, f.servers, reconcile.Records{
		"": {
			v4(2, 5):                       "a.example",
			netip.Addr{}:                   "a.example",
			v4(2, 6):                       "-bad.example",
			netip.MustParseAddr("ff02::1"): "",
		},
		kvm(1):  {v4(1, 5): "under_score.example", v4(1, 6): "a.example"},
		kvm(2):  {v4(2, 5): "a.example", v4(1, 6): "a.example", v4(3, 1): "a.example"},
		kvm(3):  {v4(3, 5): "a.example", netip.AddrFrom16(v4(3, 5).As16()): "a.example"},
		"kvm_7": {v4(1, 1): "a.example"},
		"kvm_8": {},
	}, nil)
	wantFailure(t, err, "plan", edis.OutcomeNotSent, edis.ErrInvalidInput)
	wantInputErrors(t, err,
		`198.18.1.5: "under_score.example" has an underscore; allow underscores if that is right`,
		`198.18.2.6: "-bad.example" has the label "-bad", which begins or ends with a hyphen`,
		`KVM ID: "kvm_7" is not among the servers; they are kvm_1, kvm_2, kvm_3`,
		`KVM ID: "kvm_8" is not among the servers; they are kvm_1, kvm_2, kvm_3`,
		`address: "198.18.1.6" is named twice, for kvm_1 and for kvm_2; keep one`,
		`address: "198.18.2.5" is named twice, for a server to be found and for kvm_2; keep one`,
		`address: "198.18.3.1" belongs to kvm_3, not to kvm_2`,
		`address: "198.18.3.5" is named twice, for kvm_3 and for kvm_3; keep one`,
		`address: "ff02::1" is a multicast address`,
		`address: "invalid IP" is not an IP address`,
	)
	f.wantRequests(t, "NewPlan")
}

func TestRecordsWithoutAddresses(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	prune := func(string, netip.Addr) bool { return true }
	for name, test := range map[string]struct {
		records reconcile.Records
		options *reconcile.Options
		valid   bool
	}{
		"nil":                                    {nil, nil, false},
		"a server without addresses":             {reconcile.Records{kvm(1): {}}, nil, false},
		"nil, with prune":                        {nil, &reconcile.Options{Prune: prune}, false},
		"a server without addresses, with prune": {reconcile.Records{kvm(1): {}}, &reconcile.Options{Prune: prune}, true},
	} {
		_, err := reconcile.NewPlan(t.Context(), f.client, f.servers, test.records, test.options)
		if test.valid != (err == nil) {
			t.Errorf("NewPlan with %s = %v, want valid: %v", name, err, test.valid)
		}
		if !test.valid {
			wantInputErrors(t, err, "records are empty; give at least one address")
		}
	}
}

func TestServersMustDiffer(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	servers := append(slices.Clone(f.servers), f.servers[0], reconcile.Server{Source: f.account})
	_, err := reconcile.NewPlan(t.Context(), f.client, servers, reconcile.Records{kvm(1): {v4(1, 1): "a.example"}}, nil)
	wantFailure(t, err, "plan", edis.OutcomeNotSent, edis.ErrInvalidInput)
	wantInputErrors(t, err,
		`KVM ID: "kvm_1" is the ID of two servers`,
		"Session.KVMID of a server is empty; it identifies the server, also if that has a Source",
	)
	f.wantRequests(t, "NewPlan")
}

func TestUnknownServerNamesTheKnownOnes(t *testing.T) {
	t.Parallel()
	for servers, want := range map[int]string{
		0:  "is not among the servers; they are (none)",
		2:  "is not among the servers; they are kvm_1, kvm_2",
		12: "is not among the servers; they are kvm_1, kvm_10, kvm_11, kvm_12, kvm_2, kvm_3, kvm_4, kvm_5, kvm_6, kvm_7 and 2 more",
	} {
		f := newFleet(t, servers)
		_, err := reconcile.NewPlan(t.Context(), f.client, f.servers, reconcile.Records{"kvm_99": {v4(1, 1): "a.example"}}, nil)
		wantInputErrors(t, err, `KVM ID: "kvm_99" `+want)
	}
}

// That an address belongs to nobody, or to another server, may be known only after the
// servers were listed.
func TestAddressesOfOtherServers(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 3)
	f.SetPTRs(map[netip.Addr]string{v6(2, 1): "a.example", v4(3, 9): "a.example"})
	_, err := reconcile.NewPlan(t.Context(), f.client, f.servers, reconcile.Records{
		"":     {netip.MustParseAddr("192.0.2.1"): "a.example", netip.MustParseAddr("2001:db8:77::1"): "a.example"},
		kvm(1): {v6(2, 1): "a.example", v4(1, 1): "a.example"},
	}, nil)
	wantFailure(t, err, "plan", edis.OutcomeUnchanged, edis.ErrInvalidInput)
	wantInputErrors(t, err,
		`address: "192.0.2.1" belongs to no known server; give the KVM ID of its server`,
		`address: "2001:db8:0:2::1" belongs to kvm_2, not to kvm_1`,
		`address: "2001:db8:77::1" belongs to no known server; give the KVM ID of its server`,
	)
	f.wantRequests(t, "NewPlan", "list kvm_1", "list kvm_2", "list kvm_3")
}

func TestAddressOfSeveralServers(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 3)
	f.SetPTRs(map[netip.Addr]string{v6(2, 1): "a.example"})
	twice := f.servers
	twice[0].Session.PrimaryIP = v4(3, 1)
	twice[2].Source = f.servers[1].Source // lists what the second does
	twice[2].Session.KVMID = "kvm_3"
	records := reconcile.Records{"": {v4(3, 1): "a.example", v6(2, 1): "a.example", v6(2, 9): "a.example"}}
	_, err := reconcile.NewPlan(t.Context(), f.client, twice, records, nil)
	wantInputErrors(t, err,
		`address: "198.18.3.1" belongs to kvm_1 and to kvm_3; give the KVM ID of its server`,
		`address: "2001:db8:0:2::1" belongs to kvm_2 and to kvm_3; give the KVM ID of its server`,
		`address: "2001:db8:0:2::9" belongs to kvm_2 and to kvm_3; give the KVM ID of its server`,
	)
	if failed := new(edis.CallError); !errors.As(err, &failed) || strings.Contains(err.Error(), http.StatusText(http.StatusBadRequest)) {
		t.Errorf("got %v, want an error of the input alone", err)
	}
}

func TestUnderscoresAsTheClientAllows(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, func(o *edis.Options) { o.AllowUnderscore = true })
	for range 2 {
		if _, err := f.apply(t, reconcile.Records{"": {v4(1, 1): "Under_Score.example"}}, nil); err != nil {
			t.Fatal(err)
		}
	}
	f.wantRequests(t, "two rounds", "getPTR kvm_1", "setPTR kvm_1", "getPTR kvm_1")
}
