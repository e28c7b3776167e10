package edis_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
)

// An attempt that takes too long is a net.Error with a timeout, and no error of a context:
// the context of the caller has not ended.
func TestAttemptTimeout(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.HandlerFunc{"no response": stayAway, "no body": slowBody} {
		for option, want := range map[time.Duration]time.Duration{0: 30 * time.Second, time.Minute: time.Minute} {
			for operation, api := range apiCalls() {
				synctest.Test(t, func(t *testing.T) {
					s := serveInMemory(t, handler, func(o *edis.Options) { o.Timeout, o.MaxAttempts = option, 1 })
					started := time.Now()
					err := api.call(t.Context(), s.client)
					var network net.Error
					if !errors.As(err, &network) || !network.Timeout() || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
						t.Errorf("%s, %s = %v, want a net.Error with Timeout and no error of a context", name, operation, err)
					}
					if took := time.Since(started); took != want || !strings.Contains(err.Error(), "Options.Timeout") {
						t.Errorf("%s, %s = %v after %v, want an error that names Options.Timeout after %v", name, operation, err, took, want)
					}
				})
			}
		}
	}
}

// The timeouts of a caller's http.Client and dialer are those of an attempt too.
func TestTimeoutOfCallersClient(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.HandlerFunc{"no response": stayAway, "no body": slowBody} {
		synctest.Test(t, func(t *testing.T) {
			s := serveInMemory(t, handler, func(o *edis.Options) { o.HTTPClient.Timeout = time.Second })
			started := time.Now()
			err := s.client.SetPTR(t.Context(), session(), onePTR)
			var network net.Error
			if !errors.As(err, &network) || !network.Timeout() || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
				t.Errorf("%s: SetPTR = %v, want a net.Error with Timeout and no error of a context", name, err)
			}
			failed := wantFailure(t, err, edis.OutcomeUnknown)
			if name == "no response" && !errors.As(err, new(*url.Error)) {
				t.Errorf("%s: SetPTR = %v, want the *url.Error in it", name, err)
			}
			if took := time.Since(started); failed.Attempts != 3 || took < 3*time.Second || took > 5*time.Second {
				t.Errorf("%s: SetPTR = %v after %v, want 3 attempts of 1s each", name, err, took)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		s := serveInMemory(t, succeed)
		s.dialError = func(int64) error { return fmt.Errorf("my dialer: %w", context.DeadlineExceeded) }
		failed := wantFailure(t, s.client.SetPTR(t.Context(), session(), onePTR), edis.OutcomeNotSent)
		if errors.Is(failed, context.DeadlineExceeded) || failed.Attempts != 3 || !failed.Retryable {
			t.Errorf("SetPTR = %v with Retryable %v, want a timeout that may pass and no error of a context", failed, failed.Retryable)
		}
	})
}

// If the context of the caller ends, the error is that of the context, and it was not the
// service that failed.
func TestCallersContextEnds(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.HandlerFunc{"no response": stayAway, "no body": slowBody} {
		for operation, api := range apiCalls() {
			synctest.Test(t, func(t *testing.T) {
				s := serveInMemory(t, handler)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				started := time.Now()
				err := api.call(ctx, s.client)
				if took := time.Since(started); !errors.Is(err, context.DeadlineExceeded) || took != time.Second || s.requests.Load() != 1 {
					t.Errorf("%s, %s = %v after %v and %d requests, want context.DeadlineExceeded after 1s and 1", name, operation, err, took, s.requests.Load())
				}
				if failed := new(edis.CallError); !errors.As(err, &failed) || failed.Retryable {
					t.Errorf("%s, %s = %v is Retryable, want that it is not", name, operation, err)
				}
			})
		}
	}
}
