package edis_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/edistest"
)

// The unknown outcome is the default of the switch. It also covers errors that have lost
// their cause, and errors that another package made.
func ExampleOutcomeOf() {
	server, client, session := newExample()
	server.Fail("setPTR", edistest.Fault{Status: 400})
	refused := client.SetPTR(context.Background(), session, map[netip.Addr]string{
		netip.MustParseAddr("192.0.2.10"): "mail.example.com",
	})
	invalid := client.SetPTR(context.Background(), session, nil)
	lost := errors.New("cannot set the record: " + refused.Error()) // fmt.Errorf with %w would keep the cause
	for _, err := range []error{nil, refused, invalid, lost, context.DeadlineExceeded} {
		switch edis.OutcomeOf(err) {
		case edis.OutcomeDone:
			fmt.Println("done")
		case edis.OutcomeNotSent, edis.OutcomeUnchanged:
			fmt.Println("nothing changed")
		default:
			fmt.Println("read the records back")
		}
	}
	// Output:
	// done
	// nothing changed
	// nothing changed
	// read the records back
	// read the records back
}

// If the outcome of a call is unknown, read the records back.
func Example_outcomeUnknown() {
	ctx := context.Background()
	server, client, session := newExample()
	lost := edistest.Fault{Apply: -1, Drop: true} // the record is set, but the response is lost
	server.Fail("setPTR", lost, lost, lost)

	want := map[netip.Addr]string{netip.MustParseAddr("192.0.2.10"): "mail.example.com"}
	err := client.SetPTR(ctx, session, want)
	if edis.OutcomeOf(err) == edis.OutcomeUnknown {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		_, err = client.ConfirmPTR(ctx, session, want) // nil once all records are as wanted
	}
	fmt.Println(err)
	// Output: <nil>
}

// The sentinels and types say why a call failed. They do not say what it did to the
// records.
func ExampleCallError() {
	classify := func(err error) string {
		var failed *edis.CallError
		var api *edis.APIError
		switch {
		case err == nil:
			return "done"
		case errors.Is(err, edis.ErrInvalidInput):
			return "correct the input"
		case errors.Is(err, edis.ErrLoginRefused):
			return "check the credentials, and that API access is switched on"
		case errors.As(err, &failed) && failed.Retryable:
			return fmt.Sprintf("repeat it in %v", failed.RetryAfter)
		case errors.As(err, &api):
			return fmt.Sprintf("%s refused with status %d: %s", api.Op, api.Status, api.Message)
		}
		return err.Error()
	}

	ctx := context.Background()
	server, client, session := newExample()
	want := map[netip.Addr]string{netip.MustParseAddr("192.0.2.10"): "mail.example.com"}
	wrong := edis.Credentials{Email: "owner@example.com", Password: "wrong"}
	busy := edistest.Fault{Status: 429, Header: map[string][]string{"Retry-After": {"60"}}}
	server.Fail("setPTR", busy, edistest.Fault{Status: 400})

	fmt.Println(classify(client.SetPTR(ctx, session, nil)))
	fmt.Println(classify(client.SetPTR(ctx, client.Account(wrong), want)))
	fmt.Println(classify(client.SetPTR(ctx, session, want)))
	fmt.Println(classify(client.SetPTR(ctx, session, want)))
	fmt.Println(classify(client.SetPTR(ctx, session, want)))
	// Output:
	// correct the input
	// check the credentials, and that API access is switched on
	// repeat it in 1m0s
	// setPTR refused with status 400: injected fault
	// done
}

// Secrets are not printed, so that a Session can be logged.
func ExampleSecret() {
	session := edis.Session{KVMID: "kvm_123456_789012", Signature: "secret"}
	fmt.Println(session.KVMID, session.Signature, string(session.Signature) == "secret")
	// Output: kvm_123456_789012 [redacted] true
}
