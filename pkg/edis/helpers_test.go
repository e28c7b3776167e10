package edis_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
)

// What calls send.

const signature = "s3cr3t+signature/with=&%and\"quotes\""

func session() edis.Session {
	return edis.Session{
		KVMID:      "kvm_123456_789012",
		Signature:  signature,
		APIHost:    "12345.edis.example",
		ValidUntil: time.Now().Add(time.Hour),
	}
}

var credentials = edis.Credentials{Email: "s3cr3t-owner@example.com", Password: "s3cr3t pässword+&=%"}

var (
	onePTR  = map[netip.Addr]string{addr("192.0.2.10"): "mail.example.com"}
	twoPTRs = map[netip.Addr]string{addr("192.0.2.10"): "a.example", addr("192.0.2.11"): "b.example"}
)

func addr(text string) netip.Addr { return netip.MustParseAddr(text) }

// manyPTRs returns count records in 10.0.0.0/8.
func manyPTRs(count int) map[netip.Addr]string {
	ptrs := make(map[netip.Addr]string, count)
	for i := range count {
		ptrs[netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})] = fmt.Sprintf("host-%d.example.com", i)
	}
	return ptrs
}

// An apiCall is a call of one operation, the body of a response that it accepts, and the
// default limit of such a body.
type apiCall struct {
	body  string
	limit int
	call  func(context.Context, *edis.Client) error
}

// apiCalls returns a call of each operation.
func apiCalls() map[string]apiCall {
	return map[string]apiCall{
		"SetPTR": {successBody, 64 << 10, func(ctx context.Context, c *edis.Client) error {
			return c.SetPTR(ctx, session(), onePTR)
		}},
		"DeletePTR": {successBody, 64 << 10, func(ctx context.Context, c *edis.Client) error {
			return c.DeletePTR(ctx, session(), addr("192.0.2.10"))
		}},
		"GetPTR": {`{"status":"success","records":[]}`, 16 << 20, func(ctx context.Context, c *edis.Client) error {
			_, err := c.GetPTR(ctx, session(), addr("192.0.2.10"))
			return err
		}},
		"Login": {loginResponse(""), 16 << 20, func(ctx context.Context, c *edis.Client) error {
			_, err := c.Login(ctx, credentials)
			return err
		}},
	}
}

func canceledContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// newClient returns a client for the service at url that does not retry.
func newClient(t *testing.T, url string, change ...func(*edis.Options)) *edis.Client {
	t.Helper()
	options := &edis.Options{RDNSURL: url, AuthURL: url, MaxAttempts: 1}
	for _, f := range change {
		f(options)
	}
	client, err := edis.NewClient(options)
	if err != nil {
		t.Fatalf("NewClient(%+v) = %v", options, err)
	}
	return client
}

// What tests want.

// wantFailure fails the test unless err is a CallError with the outcome that matches the
// wanted sentinels and no others. It returns the CallError.
func wantFailure(t *testing.T, err error, outcome edis.Outcome, want ...error) *edis.CallError {
	t.Helper()
	wantErrorIs(t, err, want...)
	failed, ok := err.(*edis.CallError) //nolint:errorlint // it is promised not to be wrapped
	if !ok {
		t.Fatalf("err = %v, of type %T, want a *CallError", err, err)
	}
	if failed.Outcome != outcome || edis.OutcomeOf(err) != outcome {
		t.Errorf("OutcomeOf(%v) = %v, want %v", err, edis.OutcomeOf(err), outcome)
	}
	return failed
}

// wantOutcome is like wantFailure and returns nothing.
func wantOutcome(t *testing.T, err error, outcome edis.Outcome, want ...error) {
	t.Helper()
	_ = wantFailure(t, err, outcome, want...)
}

// wantErrorIs fails the test unless err matches the wanted sentinels and no others.
// With no wanted sentinels, err must still not be nil.
func wantErrorIs(t *testing.T, err error, want ...error) {
	t.Helper()
	if err == nil {
		t.Fatalf("err = nil, want an error that matches %v", want)
	}
	sentinels := []error{
		edis.ErrInvalidInput, edis.ErrSessionExpired, edis.ErrUnauthorized, edis.ErrLoginRefused,
		edis.ErrRateLimited, edis.ErrServer, edis.ErrContract, edis.ErrRedirect, edis.ErrResponseTooLarge,
	}
	for _, sentinel := range sentinels {
		wanted := slices.Contains(want, sentinel)
		if got := errors.Is(err, sentinel); got != wanted {
			t.Errorf("errors.Is(err, %q) = %v, want %v; err = %v", sentinel, got, wanted, err)
		}
	}
	wantSafeText(t, err)
}

// wantSafeText fails the test if err shows a secret in any format, or is 4 KiB or
// longer.
func wantSafeText(t *testing.T, err error) {
	t.Helper()
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		text := fmt.Sprintf(format, err)
		for _, secret := range []string{signature, "s3cr3t"} {
			if strings.Contains(text, secret) {
				t.Errorf("Sprintf(%q, err) shows a secret: %s", format, text)
			}
		}
	}
	if err != nil && len(err.Error()) >= 4<<10 {
		t.Errorf("len(err.Error()) = %d, want less than 4 KiB", len(err.Error()))
	}
}

func wantAPIError(t *testing.T, err error, status int, message string) {
	t.Helper()
	var api *edis.APIError
	if !errors.As(err, &api) || api.Status != status || api.Message != message || api.Op != "setPTR" {
		t.Errorf("err = %v, want an APIError of setPTR with status %d and message %q", err, status, message)
	}
}

func wantRequests(t *testing.T, s *service, want int64) {
	t.Helper()
	if got := s.requests.Load(); got != want {
		t.Errorf("service received %d requests, want %d", got, want)
	}
}

// eventually fails the test unless done returns true within 5 seconds.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !done(); {
		if time.Now().After(deadline) {
			t.Fatalf("after 5s, still not: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// walk calls visit for err and every error that it unwraps to.
func walk(err error, visit func(error)) {
	visit(err)
	switch err := err.(type) { //nolint:errorlint // walks the tree of errors
	case interface{ Unwrap() error }:
		if inner := err.Unwrap(); inner != nil {
			walk(inner, visit)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range err.Unwrap() {
			walk(inner, visit)
		}
	}
}

// concurrently runs call the given number of times, atOnce at a time.
func concurrently(calls, atOnce int, call func()) {
	var started atomic.Int64
	var wg sync.WaitGroup
	for range atOnce {
		wg.Go(func() {
			for started.Add(1) <= int64(calls) {
				call()
			}
		})
	}
	wg.Wait()
}

// runInChild runs the test again in another process with these environment
// variables: net/http reads the proxy variables only once.
func runInChild(t *testing.T, environment ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	command.Env = append(os.Environ(), environment...)
	if output, err := command.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, output)
	}
}

// underRaceDetector is set by race_test.go. Limits on time and allocations do not
// hold under the race detector.
var underRaceDetector bool
