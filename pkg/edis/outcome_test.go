package edis_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
)

// The error of a call says what the call did to the records, and never more than is
// certain. It is a CallError itself. The cases, such as a lost response, are in
// failures_test.go.
func TestOutcome(t *testing.T) {
	t.Parallel()
	for _, failure := range failures() {
		t.Run(failure.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := failure.serve(t, func(o *edis.Options) { o.MaxAttempts = 1 })
				client, s1, few := s.client, session(), addr("192.0.2.10")
				wantOutcome(t, client.SetPTR(t.Context(), s1, onePTR), failure.one, failure.matches...)
				wantOutcome(t, client.SetPTR(t.Context(), s1, twoPTRs), failure.several, failure.matches...)
				wantOutcome(t, client.DeletePTR(t.Context(), s1, few), failure.one, failure.matches...)
				wantOutcome(t, client.DeletePTR(t.Context(), s1, few, addr("192.0.2.11")), failure.several, failure.matches...)
				ptrs, err := client.GetPTR(t.Context(), s1, few)
				wantOutcome(t, err, failure.ofRead(), failure.matches...)
				sessions, err := client.Login(t.Context(), credentials)
				wantOutcome(t, err, failure.ofRead(), failure.ofLogin()...)
				if ptrs != nil || sessions != nil {
					t.Errorf("GetPTR returned %v and Login returned %v, want nothing beside an error", ptrs, sessions)
				}
			})
		})
	}
}

// ofRead is the outcome of a call that changes nothing.
func (f failure) ofRead() edis.Outcome {
	if f.one == edis.OutcomeNotSent {
		return edis.OutcomeNotSent
	}
	return edis.OutcomeUnchanged
}

// ofLogin is what the error of a login matches.
func (f failure) ofLogin() []error {
	for _, status := range []string{"400", "401", "403", "response 400", "response 401"} {
		if strings.HasPrefix(f.name, status) {
			return append(slices.Clone(f.matches), edis.ErrLoginRefused)
		}
	}
	return f.matches
}

// A connection that is reset after the request may have carried it.
func TestConnectionReset(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	url := listen(t, func(conn net.Conn) {
		_, _ = readRequest(conn), requests.Add(1)
		_ = conn.(*net.TCPConn).SetLinger(0)
		_ = conn.Close()
	})
	failed := wantFailure(t, newClient(t, url).SetPTR(t.Context(), session(), onePTR), edis.OutcomeUnknown)
	if requests.Load() != 1 || !failed.Retryable {
		t.Errorf("SetPTR = %v with Retryable %v after %d requests, want a failure that may pass after 1", failed, failed.Retryable, requests.Load())
	}
}

// A call whose context is done is not sent, not even to look up a host name.
func TestContextDoneBefore(t *testing.T) {
	t.Parallel()
	for name, api := range apiCalls() {
		synctest.Test(t, func(t *testing.T) {
			s := serveInMemory(t, succeed)
			err := api.call(canceledContext(t), s.client)
			failed := wantFailure(t, err, edis.OutcomeNotSent)
			if !errors.Is(err, context.Canceled) || failed.Retryable || s.dials.Load() != 0 {
				t.Errorf("%s = %v with Retryable %v after %d dials, want context.Canceled and no dial", name, err, failed.Retryable, s.dials.Load())
			}
		})
	}
}

// If one attempt left the outcome unknown, it stays unknown whatever the last one says. If
// one was refused and the next was not sent, the call was sent.
func TestLostResponseStaysUnknown(t *testing.T) {
	t.Parallel()
	closing := func(handler http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // net/http does that only on connections that it keeps
			w.Header().Set("Connection", "close")
			handler(w, r)
		}
	}
	for _, test := range []struct {
		name    string
		handler http.HandlerFunc
		dial    func(int64) error
		want    edis.Outcome
		matches []error
	}{
		{"lost response and 400", inOrder(drop, respondWith(400, jsonType, errorBody)), nil, unknown, nil},
		{"lost response and 401", inOrder(drop, respondWith(401, jsonType, errorBody)), nil, unknown, []error{edis.ErrUnauthorized}},
		{"lost response and 429", inOrder(drop, tooManyRequests("60")), nil, unknown, []error{edis.ErrRateLimited}},
		{"500 and 429", inOrder(serverError, tooManyRequests("60")), nil, unknown, []error{edis.ErrRateLimited}},
		{"429, lost response and 400", inOrder(tooManyRequests(""), drop, respondWith(400, jsonType, errorBody)), nil, unknown, nil},
		{"lost response and no connection", drop, afterFirst(connectionRefused), unknown, nil},
		{"429 and no connection", closing(tooManyRequests("1")), afterFirst(connectionRefused), unchanged, nil},
		{"429 and 400", inOrder(tooManyRequests("1"), respondWith(400, jsonType, errorBody)), nil, unchanged, nil},
		{"no connection and 400", respondWith(400, jsonType, errorBody), onlyFirst(connectionRefused), unchanged, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := serveInMemory(t, test.handler)
				s.dialError = test.dial
				wantOutcome(t, s.client.SetPTR(t.Context(), session(), onePTR), test.want, test.matches...)
			})
		})
	}
}

// onlyFirst returns a dial function whose first dial returns the error of dial.
func onlyFirst(dial func(int64) error) func(int64) error {
	return func(n int64) error {
		if n == 1 {
			return dial(n)
		}
		return nil
	}
}

// A response that begins before the request confirms nothing: it may belong to another.
func TestEarlyConfirmation(t *testing.T) {
	t.Parallel()
	for name, api := range apiCalls() {
		synctest.Test(t, func(t *testing.T) {
			s := acceptInMemory(t, respondEarly(200, api.body))
			outcome := edis.OutcomeUnchanged
			if name == "SetPTR" || name == "DeletePTR" {
				outcome = edis.OutcomeUnknown
			}
			if failed := wantFailure(t, api.call(t.Context(), s.client), outcome); !strings.Contains(failed.Error(), "began before the request was sent") {
				t.Errorf("%s = %v, want it to say that the response was early", name, failed)
			}
		})
	}
}

// Nor does it return anything: the records in it may be those of another call.
func TestEarlyRecords(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := acceptInMemory(t, respondEarly(200, `{"status":"success","records":[{"ip":"192.0.2.10","ptr_record":"a.example"}]}`))
		ptrs, err := s.client.GetPTR(t.Context(), session(), addr("192.0.2.10"))
		if wantOutcome(t, err, edis.OutcomeUnchanged); ptrs != nil {
			t.Errorf("GetPTR = %v beside %v, want no records", ptrs, err)
		}
	})
}

// A response is early if it begins before the request was sent, even if it ends later.
func TestResponseBegunEarly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := acceptInMemory(t, func(conn net.Conn) {
			reader := bufio.NewReader(conn)
			_, _ = reader.Peek(1)
			_, _ = io.WriteString(conn, "HTTP/1.1 401")
			time.Sleep(time.Second) // until the client has seen it
			if request, err := http.ReadRequest(reader); err == nil {
				_, _ = io.Copy(io.Discard, request.Body)
			}
			_, _ = fmt.Fprintf(conn, " X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(errorBody), errorBody)
		})
		wantOutcome(t, s.client.SetPTR(t.Context(), session(), manyPTRs(1000)), edis.OutcomeUnknown, edis.ErrUnauthorized)
	})
}

// What is early about 103 Early Hints is not the response that follows.
func TestEarlyHints(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := acceptInMemory(t, func(conn net.Conn) {
			reader := bufio.NewReader(conn)
			_, _ = reader.Peek(1)
			_, _ = io.WriteString(conn, "HTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\n")
			time.Sleep(time.Second)
			if request, err := http.ReadRequest(reader); err == nil {
				_, _ = io.Copy(io.Discard, request.Body)
			}
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(successBody), successBody)
		})
		if err := s.client.SetPTR(t.Context(), session(), manyPTRs(1000)); err != nil {
			t.Errorf("SetPTR = %v", err)
		}
	})
}

// A kept connection can have bytes that belong to no request. Whatever the client takes
// them for, it does not say that nothing changed if the write was applied.
func TestSurplusResponse(t *testing.T) {
	t.Parallel()
	surplus := "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: 40\r\n\r\n" + `{"status":"error","error":"some reason"} `
	confirmed := "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n" + `{"status":"success"}`
	synctest.Test(t, func(t *testing.T) {
		s := acceptInMemory(t, func(conn net.Conn) {
			for response := confirmed + surplus; ; response = confirmed {
				if request := readRequest(conn); !strings.HasPrefix(request, "POST ") {
					return
				}
				if _, err := conn.Write([]byte(response)); err != nil {
					return
				}
			}
		}, func(o *edis.Options) { o.MaxAttempts = 1 })
		for range 3 {
			err := s.client.SetPTR(t.Context(), session(), manyPTRs(1))
			if outcome := edis.OutcomeOf(err); outcome != edis.OutcomeDone && outcome != edis.OutcomeUnknown {
				t.Errorf("SetPTR = %v with outcome %v, want done or unknown", err, outcome)
			}
			synctest.Wait() // until the client has seen the surplus
		}
	})
}

// A RoundTripper that tells nothing of connections leaves it open whether something was
// sent.
func TestOutcomeWithOpaqueTransport(t *testing.T) {
	t.Parallel()
	client := newClient(t, "https://a.example", func(o *edis.Options) {
		o.HTTPClient = &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("some failure") })}
	})
	wantOutcome(t, client.SetPTR(t.Context(), session(), onePTR), edis.OutcomeUnknown)
	_, err := client.GetPTR(t.Context(), session(), addr("192.0.2.1"))
	wantOutcome(t, err, edis.OutcomeUnchanged)
}
