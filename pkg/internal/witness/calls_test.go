package witness_test

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/edistest"
)

func start(t *testing.T) (*edistest.Server, *witness) {
	t.Helper()
	server := edistest.NewServer()
	t.Cleanup(server.Close)
	return server, newWitness(t, server.URL)
}

// All requests of the client and all responses of the fake match the document, and
// each documented response is among them.
func TestCalls(t *testing.T) {
	t.Parallel()
	w := callAll(t, edistest.Documented)
	for _, finding := range slices.Concat(w.requests, w.responses) {
		t.Error(finding)
	}
	for response := range w.unseen {
		t.Errorf("%s is documented, but was not seen", response)
	}
}

// The requests of the client match the document even if the service responds in the
// other dialect, which does not.
func TestCallsInRecordedDialect(t *testing.T) {
	t.Parallel()
	w := callAll(t, edistest.Recorded)
	for _, finding := range w.requests {
		t.Error(finding)
	}
	if len(w.responses) == 0 {
		t.Error("all responses match the document, want the dialect to differ")
	}
}

// callAll calls every operation on a fake service that speaks the dialect, and returns
// the witness of the calls.
func callAll(t *testing.T, dialect edistest.Dialect) *witness {
	t.Helper()
	server, w := start(t)
	server.SetDialect(dialect)
	// Without URLs, the client calls the servers that the document names.
	client, err := edis.NewClient(&edis.Options{HTTPClient: &http.Client{Transport: w}, MaxAttempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	ctx, session := t.Context(), server.Session()
	ipv4, ipv6 := netip.MustParseAddr("192.0.2.10"), netip.MustParseAddr("2001:db8::10")
	names := map[netip.Addr]string{ipv4: "mail.example.com", ipv6: "Bücher.example"}
	const email, password = "two@example.com", "p+w"
	second := edis.Credentials{Email: email, Password: password}
	server.AddAccount(edistest.Account{Email: email, Password: password, KVMs: []edistest.KVM{{ID: "kvm_1"}, {ID: "kvm_2", Suspended: true}}})

	errOf := func(_ any, err error) error { return err }
	for i, err := range []error{
		client.SetPTR(ctx, client.Account(server.Credentials()), names),
		client.SetPTR(ctx, session, map[netip.Addr]string{ipv4: "a.example"}),
		errOf(client.GetPTR(ctx, session, ipv4, ipv6)),
		errOf(client.ListPTR(ctx, session)),
		client.DeletePTR(ctx, session, ipv4, ipv6),
		errOf(client.GetPTR(ctx, session, ipv4)),
		errOf(client.Login(ctx, second)),
		errOf(client.Account(second).Sessions(ctx)),
	} {
		if err != nil {
			t.Errorf("call %d fails: %v", i, err)
		}
	}
	for operation, call := range map[string]func() error{
		"setPTR":            func() error { return client.SetPTR(ctx, session, names) },
		"getPTR":            func() error { return errOf(client.GetPTR(ctx, session, ipv4)) },
		"deletePTR":         func() error { return client.DeletePTR(ctx, session, ipv4) },
		"createAuthSession": func() error { return errOf(client.Login(ctx, second)) },
	} {
		for _, status := range w.failures[operation] {
			server.Fail(operation, edistest.Fault{Status: status})
			if call() == nil {
				t.Errorf("%s succeeds, want it to fail with status %d", operation, status)
			}
		}
	}
	return w
}

// The witness rejects what does not match; otherwise TestCalls would prove nothing.
func TestObjections(t *testing.T) {
	t.Parallel()
	const (
		setPTR  = "https://dns-api.edisglobal.com/set/ptr"
		session = "&kvm_id=k&signature=s&valid_until=1"
		form    = `ip={"192.0.2.10":"a.example"}` + session
	)
	server, w := start(t)
	client := &http.Client{Transport: w}
	for _, test := range []struct {
		url, form string
		fault     edistest.Fault
		want      string // in each finding; empty for none
	}{
		{setPTR, form, edistest.Fault{}, ""},
		{setPTR, strings.Replace(form, "kvm_id", "kvm", 1), edistest.Fault{}, "'kvm_id'"},
		{setPTR, form + "&extra=1", edistest.Fault{}, "'extra'"},
		{setPTR, form + "&kvm_id=k", edistest.Fault{}, "2 times"},
		{setPTR, "ip=map[192.0.2.10:a.example]" + session, edistest.Fault{}, "not JSON"},
		{setPTR, `ip={"192.0.2.10":1}` + session, edistest.Fault{}, "want string"},
		{setPTR + "?signature=s", form, edistest.Fault{}, "signature"},
		{"https://session.edisglobal.com/set/ptr", form, edistest.Fault{}, "/set/ptr"},
		{setPTR, form, edistest.Fault{Status: 418}, "418"},
		{setPTR, form, edistest.Fault{Body: `{"status":"success","code":1}`}, "'code'"},
		{setPTR, form, edistest.Fault{Body: `{"message":"done"}`}, "'status'"},
		{setPTR, form, edistest.Fault{Body: `{"status":"error"}`}, "'success'"},
		{setPTR, form, edistest.Fault{Header: http.Header{"Content-Type": {"text/html"}}, Body: `{"status":"success"}`}, "text/html"},
	} {
		server.Fail("setPTR", test.fault)
		w.requests, w.responses = nil, nil
		response, err := client.Post(test.url, formType, strings.NewReader(test.form))
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		other := func(finding string) bool { return !strings.Contains(finding, test.want) }
		findings := slices.Concat(w.requests, w.responses)
		if (len(findings) == 0) != (test.want == "") || slices.ContainsFunc(findings, other) {
			t.Errorf("%s with %s and response %+v gives %q, want %q", test.url, test.form, test.fault, findings, test.want)
		}
	}
}
