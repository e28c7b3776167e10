package edis_test

import (
	"context"
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

const (
	errorBody = `{"status":"error","error":"some reason"}`
	htmlBody  = "<html>"
)

// statusFaults are responses with a status of 400 or above.
var statusFaults = []fault{
	{id: "F62-400-one-record", run: func(t *testing.T) {
		err := setPTRWithRetries(t, respondWith(400, jsonType, errorBody), onePTR, 1)
		wantAPIError(t, err, 400, "some reason")
		err = setPTRWithRetries(t, respondWith(400, "text/html", htmlBody), onePTR, 1, edis.ErrContract)
		wantAPIError(t, err, 400, "")
	}},
	{id: "F63-400-several-records", run: func(t *testing.T) {
		err := setPTRWithRetries(t, respondWith(400, jsonType, errorBody), twoPTRs, 1, edis.ErrOutcomeUnknown)
		wantAPIError(t, err, 400, "some reason")
	}},
	{id: "F64-401", run: func(t *testing.T) {
		err := setPTRWithRetries(t, respondWith(401, jsonType, errorBody), twoPTRs, 1, edis.ErrUnauthorized)
		wantAPIError(t, err, 401, "some reason")
		testRenewal(t)
	}},
	{id: "F65-undocumented-4xx", run: func(t *testing.T) {
		for _, status := range []int{402, 403, 404, 405, 409, 413, 422, 451} {
			err := setPTRWithRetries(t, respondWith(status, "text/html", htmlBody), onePTR, 1, edis.ErrContract)
			wantAPIError(t, err, status, "")
			err = setPTRWithRetries(t, respondWith(status, "text/html", htmlBody), twoPTRs, 1, edis.ErrContract, edis.ErrOutcomeUnknown)
			wantAPIError(t, err, status, "")
		}
		err := setPTRWithRetries(t, respondWith(403, jsonType, errorBody), onePTR, 1, edis.ErrContract)
		wantAPIError(t, err, 403, "some reason")
		_ = setPTRWithRetries(t, respondWith(408, "text/html", ""), onePTR, 1, edis.ErrContract, edis.ErrOutcomeUnknown)
		err = setPTRWithRetries(t, respondWith(408, "text/plain", "slow"), onePTR, 1, edis.ErrContract, edis.ErrOutcomeUnknown)
		wantAPIError(t, err, 408, "")
	}},
	{id: "F97-proxy-gave-up", run: func(t *testing.T) {
		for _, status := range []int{408, 460, 499} {
			_ = setPTRWithRetries(t, respondWith(status, "text/html", htmlBody), onePTR, 1, edis.ErrContract, edis.ErrOutcomeUnknown)
		}
	}},
	{id: "F66-429", run: testRateLimit},
	{id: "F67-5xx", run: func(t *testing.T) {
		err := setPTRWithRetries(t, serverError, onePTR, 3, edis.ErrServer, edis.ErrOutcomeUnknown)
		wantAPIError(t, err, 500, "some reason")
		for _, status := range []int{501, 502, 503, 504, 599} {
			err := setPTRWithRetries(t, respondWith(status, "text/html", htmlBody), onePTR, 3, edis.ErrServer, edis.ErrContract, edis.ErrOutcomeUnknown)
			wantAPIError(t, err, status, "")
		}
		wantSuccessAfterRetries(t, inOrder(serverError, serverError, succeed), 3)
	}},
	{id: "F68-500-malformed", run: func(t *testing.T) {
		err := setPTRWithRetries(t, respondWith(500, jsonType, `{"status":`), onePTR, 3, edis.ErrServer, edis.ErrContract, edis.ErrOutcomeUnknown)
		wantAPIError(t, err, 500, "")
		err = setPTRWithRetries(t, respondWith(500, jsonType, `{"status":5,"error":"some reason"}`), onePTR, 3, edis.ErrServer, edis.ErrContract, edis.ErrOutcomeUnknown)
		wantAPIError(t, err, 500, "some reason")
	}},
	{id: "F69-unknown-stays", run: func(t *testing.T) {
		_ = setPTRWithRetries(t, inOrder(drop, respondWith(400, jsonType, errorBody)), onePTR, 2, edis.ErrOutcomeUnknown)
		_ = setPTRWithRetries(t, inOrder(drop, respondWith(401, jsonType, errorBody)), onePTR, 2, edis.ErrUnauthorized, edis.ErrOutcomeUnknown)
		_ = setPTRWithRetries(t, inOrder(serverError, tooManyRequests("60")), onePTR, 2, edis.ErrRateLimited, edis.ErrContract, edis.ErrOutcomeUnknown)
		synctest.Test(t, func(t *testing.T) { // the retry is not even sent
			s := serveInMemory(t, drop)
			s.dialError = afterFirst(connectionRefused)
			wantErrorIs(t, s.client.SetPTR(t.Context(), session(), onePTR), edis.ErrOutcomeUnknown)
		})
		// The service refuses the first attempt and the retry is not sent: nothing
		// changes, but the error is not ErrNotSent.
		synctest.Test(t, func(t *testing.T) {
			s := serveInMemory(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Connection", "close")
				tooManyRequests("1")(w, r)
			})
			s.dialError = afterFirst(connectionRefused)
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

// afterFirst returns a dial function whose first dial succeeds and whose other dials
// return the error of dial.
func afterFirst(dial func(int64) error) func(int64) error {
	return func(n int64) error {
		if n > 1 {
			return dial(n)
		}
		return nil
	}
}

// setPTRWithRetries sets ptrs in synthetic time and returns the error. It fails the
// test unless the error matches exactly the wanted sentinels, after so many requests.
func setPTRWithRetries(t *testing.T, handler http.HandlerFunc, ptrs map[netip.Addr]string, requests int64, want ...error) (err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := serveInMemory(t, handler)
		err = s.client.SetPTR(t.Context(), session(), ptrs)
		wantErrorIs(t, err, want...)
		if got := s.requests.Load(); got != requests {
			t.Errorf("service received %d requests, want %d", got, requests)
		}
	})
	return err
}

func wantSuccessAfterRetries(t *testing.T, handler http.HandlerFunc, requests int64) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := serveInMemory(t, handler)
		err := s.client.SetPTR(t.Context(), session(), onePTR)
		if got := s.requests.Load(); err != nil || got != requests {
			t.Errorf("SetPTR = %v after %d requests, want nil after %d", err, got, requests)
		}
	})
}

func wantAPIError(t *testing.T, err error, status int, message string) {
	t.Helper()
	var api *edis.APIError
	if !errors.As(err, &api) || api.Status != status || api.Message != message || api.Op != "setPTR" {
		t.Errorf("err = %v, want an APIError of setPTR with status %d and message %q", err, status, message)
	}
}

// testRateLimit is row F66. It covers every form of Retry-After.
func testRateLimit(t *testing.T) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		for _, test := range []struct {
			retryAfter string
			date       time.Duration // if not 0, Retry-After is a date this far in the future
			requests   int64
			minTime    time.Duration
			maxTime    time.Duration
		}{
			{"2", 0, 3, 4 * time.Second, 4 * time.Second},
			{"30", 0, 3, time.Minute, time.Minute},
			{"", 10 * time.Second, 3, 9 * time.Second, 11 * time.Second},
			{"", 0, 3, 0, 1500 * time.Millisecond},
			{"-5", 0, 3, 0, 1500 * time.Millisecond},
			{"soon", 0, 3, 0, 1500 * time.Millisecond},
			{"31", 0, 1, 0, 0},
			{"315360000", 0, 1, 0, 0}, // ten years
			{"", time.Hour, 1, 0, 0},
		} {
			if test.date != 0 {
				test.retryAfter = time.Now().Add(test.date).UTC().Format(http.TimeFormat)
			}
			s := serveInMemory(t, tooManyRequests(test.retryAfter))
			started := time.Now()
			err := s.client.SetPTR(t.Context(), session(), twoPTRs)
			wantErrorIs(t, err, edis.ErrRateLimited, edis.ErrContract)
			wantAPIError(t, err, 429, "")
			took := time.Since(started)
			if got := s.requests.Load(); got != test.requests || took < test.minTime || took > test.maxTime {
				t.Errorf("Retry-After %q: %d requests in %v, want %d in %v to %v", test.retryAfter, got, took, test.requests, test.minTime, test.maxTime)
			}
			var api *edis.APIError
			if test.requests == 1 && (!errors.As(err, &api) || api.RetryAfter < 31*time.Second) {
				t.Errorf("Retry-After %q: err = %v, want an APIError with a RetryAfter of at least 31s", test.retryAfter, err)
			}
		}
	})
	err := setPTRWithRetries(t, respondWith(429, "text/plain", ""), twoPTRs, 3, edis.ErrRateLimited, edis.ErrContract)
	wantAPIError(t, err, 429, "")
	wantSuccessAfterRetries(t, inOrder(tooManyRequests("30"), succeed), 2)
}

// The pauses are random, up to 0.5 and 1 seconds, so that clients do not retry in
// lockstep.
func TestRandomPauses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		seen := make(map[time.Duration]bool)
		for range 20 {
			s := serveInMemory(t, serverError)
			started := time.Now()
			_ = s.client.SetPTR(t.Context(), session(), onePTR)
			took := time.Since(started)
			if seen[took] = true; took > 1500*time.Millisecond {
				t.Errorf("pauses took %v, want at most 1.5s", took)
			}
		}
		if len(seen) < 15 {
			t.Errorf("20 calls paused for %d different times, want at least 15", len(seen))
		}
	})
}

// A service that is down receives a bounded number of retries. Successful calls
// refill the budget.
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
			t.Errorf("100 calls while down made %d requests, want 100 and 50 retries", got)
		}
		up = true
		if got := call(20); got != 20 {
			t.Errorf("20 calls while up made %d requests, want 20", got)
		}
		up = false
		if got := call(3); got != 5 {
			t.Errorf("3 calls after 20 successes made %d requests, want 3 and 2 retries", got)
		}
	})
}

// Calls that their callers cancel do not use up the retries of the others.
func TestCanceledCallsSpendNoRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := serveInMemory(t, func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Second)
			serverError(w, r)
		})
		for range 60 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			_ = s.client.SetPTR(ctx, session(), onePTR)
			cancel()
		}
		before := s.requests.Load()
		if _ = s.client.SetPTR(t.Context(), session(), onePTR); s.requests.Load()-before != 3 {
			t.Errorf("%d requests after 60 canceled calls, want 3", s.requests.Load()-before)
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
				t.Errorf("MaxAttempts %d: %d requests", attempts, got)
			}
		}
	})
}
