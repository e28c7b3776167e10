package edis_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
)

// A fault is one row of the fault table. run provokes the fault and checks what
// the caller sees.
type fault struct {
	id    string
	run   func(*testing.T)
	alone bool // run measures the process, so no other test may run at the same time
}

// TestFaults runs the fault table. The rows are in the faults_*_test.go files.
func TestFaults(t *testing.T) {
	for _, faults := range [][]fault{inputFaults, networkFaults, responseFaults, statusFaults, systemFaults, secretFaults, accountFaults, dialectFaults, http2Faults} {
		for _, fault := range faults {
			t.Run(fault.id, func(t *testing.T) {
				if !fault.alone {
					t.Parallel()
				}
				fault.run(t)
			})
		}
	}
}

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

var onePTR = map[netip.Addr]string{addr("192.0.2.10"): "mail.example.com"}

func addr(text string) netip.Addr { return netip.MustParseAddr(text) }

// A service is an HTTP server that counts its requests.
type service struct {
	*httptest.Server
	requests atomic.Int64
}

func serve(t *testing.T, handler http.HandlerFunc) *service {
	t.Helper()
	s := &service{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		handler(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// respondWith returns a handler that sends the same response to every request.
// Without a content type the response has no such header.
func respondWith(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil // keeps net/http from detecting one
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

const (
	jsonType    = "application/json"
	successBody = `{"status":"success","message":"done"}`
)

func succeed(w http.ResponseWriter, r *http.Request) { respondWith(200, jsonType, successBody)(w, r) }

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

// setPTR sets ptrs on the service.
func setPTR(t *testing.T, s *service, ptrs map[netip.Addr]string, change ...func(*edis.Options)) error {
	t.Helper()
	return newClient(t, s.URL, change...).SetPTR(t.Context(), session(), ptrs)
}

// wantErrorIs fails the test unless err matches the wanted sentinels and no others.
// With no wanted sentinels, err must still not be nil.
func wantErrorIs(t *testing.T, err error, want ...error) {
	t.Helper()
	if err == nil {
		t.Fatalf("err = nil, want an error that matches %v", want)
	}
	sentinels := []error{
		edis.ErrInvalidInput, edis.ErrSessionExpired, edis.ErrNotSent, edis.ErrOutcomeUnknown, edis.ErrUnauthorized,
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

func wantRequests(t *testing.T, s *service, want int64) {
	t.Helper()
	if got := s.requests.Load(); got != want {
		t.Errorf("service received %d requests, want %d", got, want)
	}
}

// A sourceFunc is a function used as a SessionSource.
type sourceFunc func(context.Context) (edis.Session, error)

func (f sourceFunc) Session(ctx context.Context) (edis.Session, error) { return f(ctx) }
