package edis_test

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
)

var twoPTRs = map[netip.Addr]string{addr("192.0.2.10"): "a.example", addr("192.0.2.11"): "b.example"}

const errorBody = `{"status":"error","error":"because"}`

// statusFaults are answers of 400 and above.
var statusFaults = []fault{
	{id: "F62-400-one-record", run: func(t *testing.T) {
		err := setPTRWithRetries(t, respondWith(400, jsonType, errorBody), onePTR, 1)
		wantAPIError(t, err, 400, "because")
		_ = setPTRWithRetries(t, respondWith(400, "text/html", "<html>"), onePTR, 1, edis.ErrContract)
	}},
	{id: "F63-400-several-records", run: func(t *testing.T) {
		err := setPTRWithRetries(t, respondWith(400, jsonType, errorBody), twoPTRs, 1, edis.ErrOutcomeUnknown)
		wantAPIError(t, err, 400, "because")
	}},
	{id: "F64-401", run: func(t *testing.T) {
		err := setPTRWithRetries(t, respondWith(401, jsonType, errorBody), twoPTRs, 1, edis.ErrUnauthorized)
		wantAPIError(t, err, 401, "because")
		testRenewal(t)
	}},
	{id: "F65-undocumented-4xx", run: func(t *testing.T) {
		for _, status := range []int{402, 403, 404, 405, 409, 413, 422, 451, 499} {
			err := setPTRWithRetries(t, respondWith(status, "text/html", "<html>"), onePTR, 1, edis.ErrContract)
			wantAPIError(t, err, status, "")
			_ = setPTRWithRetries(t, respondWith(status, "text/html", "<html>"), twoPTRs, 1, edis.ErrContract, edis.ErrOutcomeUnknown)
		}
		_ = setPTRWithRetries(t, respondWith(408, "text/html", ""), onePTR, 1, edis.ErrContract, edis.ErrOutcomeUnknown)
	}},
	{id: "F66-429", run: testRateLimit},
	{id: "F67-5xx", run: func(t *testing.T) {
		err := setPTRWithRetries(t, serverError, onePTR, 3, edis.ErrServer, edis.ErrOutcomeUnknown)
		wantAPIError(t, err, 500, "because")
		for _, status := range []int{501, 502, 503, 504, 599} {
			err := setPTRWithRetries(t, respondWith(status, "text/html", "<html>"), onePTR, 3, edis.ErrServer, edis.ErrContract, edis.ErrOutcomeUnknown)
			wantAPIError(t, err, status, "")
		}
		_ = setPTRWithRetries(t, inOrder(serverError, serverError, succeed), onePTR, 3)
	}},
	{id: "F68-500-malformed", run: func(t *testing.T) {
		err := setPTRWithRetries(t, respondWith(500, jsonType, `{"status":`), onePTR, 3, edis.ErrServer, edis.ErrContract, edis.ErrOutcomeUnknown)
		wantAPIError(t, err, 500, "")
		err = setPTRWithRetries(t, respondWith(500, jsonType, `{"status":5,"error":"because"}`), onePTR, 3, edis.ErrServer, edis.ErrContract, edis.ErrOutcomeUnknown)
		wantAPIError(t, err, 500, "because")
	}},
	{id: "F69-unknown-stays", run: func(t *testing.T) {
		_ = setPTRWithRetries(t, inOrder(drop, respondWith(400, jsonType, errorBody)), onePTR, 2, edis.ErrOutcomeUnknown)
		_ = setPTRWithRetries(t, inOrder(drop, respondWith(401, jsonType, errorBody)), onePTR, 2, edis.ErrUnauthorized, edis.ErrOutcomeUnknown)
		_ = setPTRWithRetries(t, inOrder(serverError, tooManyRequests("60")), onePTR, 2, edis.ErrRateLimited, edis.ErrContract, edis.ErrOutcomeUnknown)
		synctest.Test(t, func(t *testing.T) { // and if the next one is not even sent
			s := serveInMemory(t, drop)
			s.dialError = func(dial int64) error {
				if dial > 1 {
					return connectionRefused(dial)
				}
				return nil
			}
			wantErrorIs(t, s.client.SetPTR(t.Context(), session(), onePTR), edis.ErrOutcomeUnknown)
		})
		// Turned away first and then not sent: seen, but nothing changed.
		synctest.Test(t, func(t *testing.T) {
			s := serveInMemory(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Connection", "close")
				tooManyRequests("1")(w, r)
			})
			s.dialError = func(dial int64) error {
				if dial > 1 {
					return connectionRefused(dial)
				}
				return nil
			}
			wantErrorIs(t, s.client.SetPTR(t.Context(), session(), onePTR))
		})
	}},
	{id: "F70-large-value", run: func(t *testing.T) {
		nested := "[" + strings.Repeat(`{"a":["xx"]},`, 54<<10/13) + "0]"
		_ = setPTRWithRetries(t, respondWith(200, jsonType, `{"status":`+nested+`}`), onePTR, 1, edis.ErrContract, edis.ErrOutcomeUnknown)
		_ = setPTRWithRetries(t, respondWith(400, jsonType, `{"status":"error","error":"`+strings.Repeat("x", 54<<10)+`"}`), onePTR, 1)
		_ = setPTRWithRetries(t, respondWith(400, jsonType, `{"error":`+nested+`}`), onePTR, 1, edis.ErrContract)
	}},
	{id: "F71-echo", run: testEcho},
}

// setPTRWithRetries makes a call, in synthetic time and with retries, that the handler
// answers so many times; the error must match exactly these sentinels.
func setPTRWithRetries(t *testing.T, handler http.HandlerFunc, ptrs map[netip.Addr]string, requests int64, want ...error) (err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := serveInMemory(t, handler)
		err = s.client.SetPTR(t.Context(), session(), ptrs)
		wantErrorIs(t, err, want...)
		if got := s.requests.Load(); got != requests {
			t.Errorf("%d requests, want %d", got, requests)
		}
	})
	return err
}

func wantAPIError(t *testing.T, err error, status int, message string) {
	t.Helper()
	var api *edis.APIError
	if !errors.As(err, &api) || api.Status != status || api.Message != message || api.Op != "setPTR" {
		t.Errorf("%v has no APIError with status %d and message %q", err, status, message)
	}
}

// testRateLimit shows what becomes of Retry-After, in all its forms.
func testRateLimit(t *testing.T) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		const inAMoment, tooLate = "10s", "1h" // as a date
		for _, test := range []struct {
			retryAfter string
			requests   int64
			least      time.Duration // that the call takes
			most       time.Duration
		}{
			{"2", 3, 4 * time.Second, 4 * time.Second},
			{"30", 3, time.Minute, time.Minute},
			{inAMoment, 3, 9 * time.Second, 11 * time.Second},
			{"", 3, 0, 1500 * time.Millisecond},
			{"-5", 3, 0, 1500 * time.Millisecond},
			{"soon", 3, 0, 1500 * time.Millisecond},
			{"31", 1, 0, 0},
			{"315360000", 1, 0, 0}, // ten years
			{tooLate, 1, 0, 0},
		} {
			if ahead, err := time.ParseDuration(test.retryAfter); err == nil {
				test.retryAfter = time.Now().Add(ahead).UTC().Format(http.TimeFormat)
			}
			s := serveInMemory(t, tooManyRequests(test.retryAfter))
			started := time.Now()
			err := s.client.SetPTR(t.Context(), session(), twoPTRs)
			wantErrorIs(t, err, edis.ErrRateLimited, edis.ErrContract)
			took := time.Since(started)
			if got := s.requests.Load(); got != test.requests || took < test.least || took > test.most {
				t.Errorf("Retry-After %q: %d requests in %v, want %d in %v to %v", test.retryAfter, got, took, test.requests, test.least, test.most)
			}
			var api *edis.APIError
			if test.requests == 1 && (!errors.As(err, &api) || api.RetryAfter < 31*time.Second) {
				t.Errorf("Retry-After %q: %v does not tell it", test.retryAfter, err)
			}
		}
	})
	_ = setPTRWithRetries(t, inOrder(tooManyRequests("30"), succeed), onePTR, 2)
}

// The pauses are at random, up to 0.5 and 1 seconds; no two clients go in step.
func TestPausesAreAtRandom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		seen := make(map[time.Duration]bool)
		for range 20 {
			s := serveInMemory(t, serverError)
			started := time.Now()
			_ = s.client.SetPTR(t.Context(), session(), onePTR)
			took := time.Since(started)
			if seen[took] = true; took > 1500*time.Millisecond {
				t.Errorf("the pauses took %v, want at most 1.5s", took)
			}
		}
		if len(seen) < 15 {
			t.Errorf("20 calls took only %d different times", len(seen))
		}
	})
}

// A service that is down sees a bounded number of retries, and all of them again
// once it is back.
func TestRetryBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		up := false
		s := serveInMemory(t, func(w http.ResponseWriter, r *http.Request) {
			if up {
				succeed(w, r)
				return
			}
			serverError(w, r)
		})
		call := func(times int) int64 {
			before := s.requests.Load()
			for range times {
				_ = s.client.SetPTR(t.Context(), session(), onePTR)
			}
			return s.requests.Load() - before
		}
		if got := call(100); got != 150 {
			t.Errorf("100 calls to a service that is down made %d requests, want 100 and 50 retries", got)
		}
		up = true
		if got := call(20); got != 20 {
			t.Errorf("20 good calls made %d requests", got)
		}
		up = false
		if got := call(3); got != 5 {
			t.Errorf("3 calls after 20 successes made %d requests, want 3 and 2 retries", got)
		}
	})
}

func TestMaxAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, attempts := range []int{1, 2, 7} {
			s := serveInMemory(t, serverError, func(o *edis.Options) { o.MaxAttempts = attempts })
			_ = s.client.SetPTR(t.Context(), session(), onePTR)
			if got := s.requests.Load(); got != int64(attempts) {
				t.Errorf("%d requests, want %d", got, attempts)
			}
		}
	})
}
