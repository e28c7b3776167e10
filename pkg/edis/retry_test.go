package edis_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
)

// A call is repeated after a failure that may pass, and the error says so. A login is
// repeated only if it was not sent: failed logins can lock an account.
func TestRetries(t *testing.T) {
	t.Parallel()
	for _, failure := range failures() {
		t.Run(failure.name, func(t *testing.T) {
			t.Parallel()
			for name, api := range apiCalls() {
				synctest.Test(t, func(t *testing.T) {
					s := failure.serve(t)
					err := api.call(t.Context(), s.client)
					var failed *edis.CallError
					if !errors.As(err, &failed) {
						t.Fatalf("%s = %v, want a *CallError", name, err)
					}
					want := 1
					if failure.mayPass && (name != "Login" || failure.one == edis.OutcomeNotSent) {
						want = 3
					}
					if attempts := s.attempts(failure); attempts != want || failed.Attempts != want || failed.Retryable != failure.mayPass || failed.RetryAfter != 0 {
						t.Errorf("%s = %v with Attempts %d, Retryable %v and RetryAfter %v, after %d attempts; want %d attempts, Retryable %v and RetryAfter 0s",
							name, failed, failed.Attempts, failed.Retryable, failed.RetryAfter, attempts, want, failure.mayPass)
					}
					if said := strings.Contains(failed.Error(), "(after 3 attempts)"); said != (want == 3) {
						t.Errorf("%s = %v, want the number of attempts if there were several", name, failed)
					}
				})
			}
		})
	}
}

// attempts returns how many attempts a service has seen.
func (s *memoryService) attempts(f failure) int {
	if f.dialError != nil {
		return int(s.dials.Load())
	}
	return int(s.requests.Load())
}

// A call succeeds if one of its attempts does.
func TestRetrySucceeds(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		dial    func(int64) error
	}{
		"third connection": {succeed, func(dial int64) error {
			if dial < 3 {
				return connectionRefused(dial)
			}
			return nil
		}},
		"third response":    {inOrder(drop, drop, succeed), nil},
		"after 500 and 503": {inOrder(serverError, respondWith(503, "", ""), succeed), nil},
		"after 429":         {inOrder(tooManyRequests("30"), succeed), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := serveInMemory(t, test.handler)
				s.dialError = test.dial
				if err := s.client.SetPTR(t.Context(), session(), onePTR); err != nil {
					t.Errorf("SetPTR = %v", err)
				}
			})
		})
	}
}

// Each attempt sends the same request.
func TestRetrySendsTheSame(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sent []string
		s := acceptInMemory(t, func(conn net.Conn) { sent = append(sent, readRequest(conn)) })
		_ = s.client.SetPTR(t.Context(), session(), manyPTRs(100))
		if len(sent) != 3 || len(sent[0]) < 1000 || sent[0] != sent[1] || sent[0] != sent[2] {
			t.Errorf("the attempts sent %q, want 3 times the same", sent)
		}
	})
}

// A login that could not be sent is, once it can be.
func TestLoginIsRetriedUntilSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := serveInMemory(t, respondWith(200, jsonType, loginResponse("")))
		s.dialError = onlyFirst(connectionRefused)
		if sessions, err := s.client.Login(t.Context(), credentials); err != nil || len(sessions) != 1 || s.dials.Load() != 2 {
			t.Errorf("Login = %v, %v after %d dials, want a session after 2", sessions, err, s.dials.Load())
		}
	})
	synctest.Test(t, func(t *testing.T) { // not sent, then sent: the third would be a second login
		s := serveInMemory(t, drop)
		s.dialError = onlyFirst(connectionRefused)
		_, err := s.client.Login(t.Context(), credentials)
		wantOutcome(t, err, edis.OutcomeUnchanged)
		if s.requests.Load() != 1 {
			t.Errorf("%d logins were sent, want 1", s.requests.Load())
		}
	})
}

// A call that was not sent for want of a login may be repeated when the login may.
func TestRetryableAfterFailedLogin(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name       string
		login      http.HandlerFunc
		retryable  bool
		retryAfter time.Duration
	}{
		{"refused", respondWith(401, jsonType, errorBody), false, 0},
		{"no JSON", respondWith(200, "text/html", htmlBody), false, 0},
		{"no response", drop, true, time.Second},
		{"500", serverError, true, time.Second},
		{"429 with Retry-After", tooManyRequests("70"), true, 70 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := serveInMemory(t, test.login)
				account := s.client.Account(credentials)
				err := s.client.SetPTR(t.Context(), account, onePTR)
				var failed *edis.CallError
				if !errors.As(err, &failed) || failed.Op != "setPTR" || failed.Retryable != test.retryable || failed.RetryAfter != test.retryAfter {
					t.Fatalf("SetPTR = %v with Retryable %v and RetryAfter %v, want %v and %v", err, failed.Retryable, failed.RetryAfter, test.retryable, test.retryAfter)
				}
				if test.retryAfter == 0 {
					return
				}
				time.Sleep(300 * time.Millisecond) // what is left of the pause
				err = s.client.SetPTR(t.Context(), account, onePTR)
				if left := test.retryAfter - 300*time.Millisecond; !errors.As(err, &failed) || !failed.Retryable || failed.RetryAfter != left || s.requests.Load() != 1 {
					t.Errorf("SetPTR within the pause = %v with Retryable %v and RetryAfter %v after %d logins, want %v after 1", err, failed.Retryable, failed.RetryAfter, s.requests.Load(), left)
				}
			})
		})
	}
}

func TestMaxAttempts(t *testing.T) {
	t.Parallel()
	for option, want := range map[int]int64{0: 3, 1: 1, 2: 2, 7: 7} {
		synctest.Test(t, func(t *testing.T) {
			s := serveInMemory(t, serverError, func(o *edis.Options) { o.MaxAttempts = option })
			_ = s.client.SetPTR(t.Context(), session(), onePTR)
			if got := s.requests.Load(); got != want {
				t.Errorf("MaxAttempts %d: %d requests, want %d", option, got, want)
			}
		})
	}
}

// The pauses are random, so that clients do not retry in lockstep: up to 0.5 seconds at
// first, doubling up to 5 seconds.
func TestBackOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		limits := []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second}
		longest := make([]time.Duration, len(limits))
		seen := make(map[time.Duration]bool)
		for range 60 {
			var last time.Time
			attempt := 0
			s := serveInMemory(t, func(w http.ResponseWriter, r *http.Request) {
				if attempt > 0 {
					pause := time.Since(last)
					longest[attempt-1], seen[pause] = max(longest[attempt-1], pause), true
				}
				last, attempt = time.Now(), attempt+1
				serverError(w, r)
			}, func(o *edis.Options) { o.MaxAttempts = len(limits) + 1 })
			_ = s.client.SetPTR(t.Context(), session(), onePTR)
		}
		for i, limit := range limits {
			if longest[i] > limit || longest[i] < limit*3/4 {
				t.Errorf("the longest of 60 pauses after attempt %d is %v, want nearly %v", i+1, longest[i], limit)
			}
		}
		if len(seen) < 300 {
			t.Errorf("360 pauses had %d different lengths, want at least 300", len(seen))
		}
	})
}

// Retry-After is honored up to 30 seconds, in seconds or as a date. If the service asks
// for more, the call returns at once and says how long.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	const noTime, second = time.Duration(0), time.Second
	for _, test := range []struct {
		value    string
		date     time.Duration // if not 0, the value is a date this far from now
		want     time.Duration // of RetryAfter, to the second
		requests int64
		longest  time.Duration // of all pauses
	}{
		{"2", 0, 2 * second, 3, 4 * second},
		{"30", 0, 30 * second, 3, 60 * second},
		{"31", 0, 31 * second, 1, noTime},
		{"315360000", 0, 315360000 * second, 1, noTime}, // ten years
		{"99999999999999999999", 0, 1 << 33 * second, 1, noTime},
		{"", 10 * second, 10 * second, 3, 21 * second},
		{"", time.Hour, time.Hour, 1, noTime},
		{"", -time.Hour, noTime, 3, 1500 * time.Millisecond},
		{"", 0, noTime, 3, 1500 * time.Millisecond},
		{"0", 0, noTime, 3, 1500 * time.Millisecond},
		{"-5", 0, noTime, 3, 1500 * time.Millisecond},
		{"-99999999999999999999", 0, noTime, 3, 1500 * time.Millisecond},
		{"soon", 0, noTime, 3, 1500 * time.Millisecond},
		{"1.5", 0, noTime, 3, 1500 * time.Millisecond},
	} {
		for _, status := range []int{429, 503} {
			t.Run(fmt.Sprintf("%d %s%v", status, test.value, test.date), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := serveInMemory(t, func(w http.ResponseWriter, r *http.Request) {
						w.Header().Set("Retry-After", test.value)
						if test.date != 0 {
							w.Header().Set("Retry-After", time.Now().Add(test.date).UTC().Format(http.TimeFormat))
						}
						respondWith(status, jsonType, errorBody)(w, r)
					})
					started := time.Now()
					err := s.client.SetPTR(t.Context(), session(), onePTR)
					took := time.Since(started)
					var failed *edis.CallError
					if !errors.As(err, &failed) || failed.RetryAfter > test.want || failed.RetryAfter < test.want-time.Second {
						t.Errorf("RetryAfter of %v = %v, want %v", err, failed.RetryAfter, test.want)
					}
					least := time.Duration(0)
					if test.requests == 3 && test.want > 0 {
						least = 2*test.want - 2*time.Second // a date has whole seconds
					}
					if got := s.requests.Load(); got != test.requests || took > test.longest || took < least {
						t.Errorf("%d requests in %v, want %d in %v to %v", got, took, test.requests, least, test.longest)
					}
				})
			})
		}
	}
}

// A call whose context would end during the pause returns at once.
func TestNoTimeForPause(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		left     time.Duration // of the context
		requests int64
	}{{10 * time.Second, 1}, {20 * time.Second, 1}, {21 * time.Second, 2}, {41 * time.Second, 3}} {
		synctest.Test(t, func(t *testing.T) {
			s := serveInMemory(t, tooManyRequests("20"))
			ctx, cancel := context.WithTimeout(t.Context(), test.left)
			defer cancel()
			started := time.Now()
			err := s.client.SetPTR(ctx, session(), onePTR)
			failed := wantFailure(t, err, edis.OutcomeUnchanged, edis.ErrRateLimited)
			if took := time.Since(started); s.requests.Load() != test.requests || took != time.Duration(test.requests-1)*20*time.Second {
				t.Errorf("%d requests in %v with %v left, want %d", s.requests.Load(), took, test.left, test.requests)
			}
			if errors.Is(err, context.DeadlineExceeded) || failed.RetryAfter != 20*time.Second || !failed.Retryable {
				t.Errorf("SetPTR = %v with RetryAfter %v and Retryable %v, want what the service said", err, failed.RetryAfter, failed.Retryable)
			}
		})
	}
}

// A call that is canceled during a pause returns at once, with the reason for the pause and
// the outcome of its attempts.
func TestCanceledDuringPause(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		handler http.HandlerFunc
		dial    func(int64) error
		want    edis.Outcome
		matches []error
	}{
		{"after 500", serverError, nil, unknown, []error{edis.ErrServer}},
		{"after a lost response", drop, nil, unknown, nil},
		{"after 429", tooManyRequests("20"), nil, unchanged, []error{edis.ErrRateLimited}},
		{"after no connection", succeed, connectionRefused, notSent, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				s := serveInMemory(t, test.handler)
				s.dialError = test.dial
				time.AfterFunc(time.Microsecond, cancel)
				started := time.Now()
				err := s.client.SetPTR(ctx, session(), onePTR)
				failed := wantFailure(t, err, test.want, test.matches...)
				if took := time.Since(started); !errors.Is(err, context.Canceled) || took != time.Microsecond || failed.Attempts != 1 || !failed.Retryable {
					t.Errorf("SetPTR = %v with Retryable %v after %v, want context.Canceled beside its cause at once", err, failed.Retryable, took)
				}
				if strings.Count(err.Error(), "context canceled") != 1 {
					t.Errorf("SetPTR = %v, want that it was canceled once", err)
				}
			})
		})
	}
}
