package edis_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
)

// clientReceiving returns a client that receives this response to each request, without a
// socket.
func clientReceiving(t *testing.T, response http.Response, change ...func(*edis.Options)) *edis.Client {
	t.Helper()
	return newClient(t, "http://127.0.0.1:1", append(change, func(o *edis.Options) {
		o.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			_, err := io.Copy(io.Discard, r.Body)
			own := response
			own.Request, own.Header, own.ContentLength = r, http.Header{"Content-Type": {jsonType}}, -1
			return &own, err
		})}
	})...)
}

// body returns a response body.
func body(text string) io.ReadCloser { return io.NopCloser(strings.NewReader(text)) }

// A response of exactly the limit is read, and one that is a byte longer is refused: by
// default and with MaxResponseBytes, for every operation.
func TestResponseLimits(t *testing.T) {
	t.Parallel()
	for name, operation := range apiCalls() {
		for _, option := range []int64{0, 1000, 100 << 10, math.MaxInt64} {
			t.Run(fmt.Sprintf("%s with MaxResponseBytes %d", name, option), func(t *testing.T) {
				t.Parallel()
				limit := int64(operation.limit)
				if option != 0 {
					limit = min(option, 1<<20) // more would only take time
				}
				for _, size := range []int64{limit, limit + 1} {
					text := operation.body + strings.Repeat(" ", int(size)-len(operation.body))
					client := clientReceiving(t, http.Response{StatusCode: 200, Body: body(text)}, func(o *edis.Options) { o.MaxResponseBytes = option })
					err := operation.call(t.Context(), client)
					if want := size > limit && option != math.MaxInt64; errors.Is(err, edis.ErrResponseTooLarge) != want || !want && err != nil {
						t.Errorf("response of %d bytes: err = %v, want ErrResponseTooLarge: %v", size, err, want)
					}
				}
			})
		}
	}
}

// A countingBody is an endless response body that counts the bytes read from it.
type countingBody struct {
	read   int
	closed bool
}

func (b *countingBody) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	b.read += len(p)
	return len(p), nil
}

func (b *countingBody) Close() error { b.closed = true; return nil }

// Of a response that is too large, one byte more than the limit is read. Of 101 Switching
// Protocols nothing is, since what follows is no response: its body is the connection.
func TestNoMoreIsRead(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]int{200: 1001, 400: 1001, 503: 1001, 101: 0} {
		for name, api := range apiCalls() {
			body := &countingBody{}
			client := clientReceiving(t, http.Response{StatusCode: status, Body: body}, func(o *edis.Options) { o.MaxResponseBytes = 1000 })
			if err := api.call(t.Context(), client); err == nil || body.read != want || !body.closed {
				t.Errorf("%s with status %d = %v after %d bytes of an endless body, closed: %v; want an error after %d, and the body closed",
					name, status, err, body.read, body.closed, want)
			}
		}
	}
}

// The body of every response is closed, also that of a caller's RoundTripper.
func TestBodiesAreClosed(t *testing.T) {
	t.Parallel()
	for name, response := range map[string]struct {
		status int
		body   string
	}{
		"success": {200, successBody}, "login": {200, loginResponse("")}, "refusal": {400, errorBody}, "101": {101, ""},
		"server error": {500, errorBody}, "redirect": {307, ""}, "HTML": {200, htmlBody}, "too large": {200, strings.Repeat(" ", 1001)},
	} {
		for operation, api := range apiCalls() {
			body := &closingBody{Reader: strings.NewReader(response.body)}
			client := clientReceiving(t, http.Response{StatusCode: response.status, Body: body}, func(o *edis.Options) { o.MaxResponseBytes = 1000 })
			if _ = api.call(t.Context(), client); !body.closed {
				t.Errorf("%s leaves the body of the response %s open", operation, name)
			}
		}
	}
}

type closingBody struct {
	io.Reader
	closed bool
}

func (b *closingBody) Close() error { b.closed = true; return nil }

// What is compressed counts as it is after decompression, and is not unpacked beyond the
// limit: here 260 kB stand for 256 MiB.
func TestCompressedResponseIsBounded(t *testing.T) { //nolint:paralleltest // measures the process
	var member bytes.Buffer
	writer := gzip.NewWriter(&member)
	_, err := writer.Write(bytes.Repeat([]byte(" "), 1<<20))
	if err := errors.Join(err, writer.Close()); err != nil {
		t.Fatal(err)
	}
	packed := bytes.Repeat(member.Bytes(), 256)
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", jsonType)
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(packed)
	})
	allocated := allocatedBy(func() {
		wantOutcome(t, setPTR(t, s, onePTR), edis.OutcomeUnknown, edis.ErrResponseTooLarge)
	})
	if allocated > 4<<20 {
		t.Errorf("SetPTR allocated %d KiB, want at most 4 MiB", allocated>>10)
	}
}

// The headers of a response are bounded to 64 KiB, unless a caller's Transport has another
// bound.
func TestHeadersAreBounded(t *testing.T) {
	t.Parallel()
	for size, want := range map[int]edis.Outcome{32 << 10: edis.OutcomeDone, 128 << 10: edis.OutcomeUnknown, 12 << 20: edis.OutcomeUnknown} {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			for i := range 12 {
				w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("x", size/12))
			}
			succeed(w, r)
		})
		err := setPTR(t, s, onePTR)
		if edis.OutcomeOf(err) != want {
			t.Errorf("SetPTR with %d KiB of headers = %v, want outcome %v", size>>10, err, want)
		}
		if wantSafeText(t, err); strings.Contains(fmt.Sprint(err), "xxx") {
			t.Errorf("SetPTR with %d KiB of headers = %v, want none of them", size>>10, err)
		}
	}
}

// A call ends although 101 Switching Protocols came and then nothing: no timeout of an
// http.Client ends a read of what follows.
func TestSwitchingProtocols(t *testing.T) {
	t.Parallel()
	for name, api := range apiCalls() {
		synctest.Test(t, func(t *testing.T) {
			closed := false
			s := acceptInMemory(t, func(conn net.Conn) {
				_ = readRequest(conn)
				_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")
				_, err := conn.Read(make([]byte, 1))
				closed = err != nil
			})
			started := time.Now()
			err := api.call(t.Context(), s.client)
			wantErrorIs(t, err, edis.ErrContract)
			synctest.Wait()
			if took := time.Since(started); took > time.Millisecond || !closed || s.requests.Load() != 1 {
				t.Errorf("%s = %v after %v and %d requests, connection closed: %v; want it at once after 1, and closed", name, err, took, s.requests.Load(), closed)
			}
		})
	}
}

// A body that never ends is given up with its attempt, and with the context of the caller.
func TestBodyWithoutEnd(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.HandlerFunc{"silent": slowBody, "a byte each second": dripBody} {
		for operation, api := range apiCalls() {
			synctest.Test(t, func(t *testing.T) {
				s := serveInMemory(t, handler, func(o *edis.Options) { o.MaxAttempts, o.Timeout = 1, 10*time.Second })
				for _, limit := range []time.Duration{10 * time.Second, 3 * time.Second} { // that of the attempt, and of the caller
					ctx, cancel := context.WithCancel(t.Context())
					if limit == 3*time.Second {
						time.AfterFunc(limit, cancel)
					}
					started := time.Now()
					err := api.call(ctx, s.client)
					if took := time.Since(started); err == nil || took != limit || errors.Is(err, context.Canceled) != (ctx.Err() != nil) {
						t.Errorf("%s with a body that is %s = %v after %v, want an error after %v", operation, name, err, took, limit)
					}
					cancel()
				}
			})
		}
	}
}

// A login whose response never ends leaves the account to the next one.
func TestLoginWithoutEndReleasesTheAccount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := serveInMemory(t, inOrder(slowBody, respondWith(200, jsonType, loginResponse(""))))
		account := s.client.Account(credentials)
		if _, err := account.Session(t.Context()); !errors.As(err, new(*edis.CallError)) {
			t.Errorf("Session during an endless login = %v, want a CallError", err)
		}
		time.Sleep(time.Second) // the pause after a failed login
		if _, err := account.Session(t.Context()); err != nil {
			t.Errorf("Session after an endless login = %v", err)
		}
	})
}

// A blockingBody ends only when it is closed, as one of a RoundTripper that does not know
// the context of its request.
type blockingBody struct {
	closed chan struct{}
	closes atomic.Int64
}

func (b *blockingBody) Read([]byte) (int, error) { <-b.closed; return 0, errors.New("closed") }

func (b *blockingBody) Close() error {
	if b.closes.Add(1) == 1 {
		close(b.closed)
	}
	return nil
}

// A body that does not know the context is closed when that ends.
func TestBlockedBodyIsClosed(t *testing.T) {
	t.Parallel()
	for name, api := range apiCalls() {
		synctest.Test(t, func(t *testing.T) {
			for _, limit := range []time.Duration{10 * time.Second, 3 * time.Second} {
				client := clientReceiving(t, http.Response{StatusCode: 200, Body: &blockingBody{closed: make(chan struct{})}}, func(o *edis.Options) { o.Timeout = 10 * time.Second })
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				if limit == 10*time.Second {
					ctx = t.Context()
				}
				started := time.Now()
				err := api.call(ctx, client)
				if took := time.Since(started); err == nil || took != limit || errors.Is(err, context.DeadlineExceeded) != (ctx.Err() != nil) {
					t.Errorf("%s = %v after %v, want an error after %v", name, err, took, limit)
				}
				if network := net.Error(nil); !errors.As(err, &network) || !network.Timeout() || strings.Contains(err.Error(), "closed") {
					t.Errorf("%s = %v, want the timeout and not that the body was closed", name, err)
				}
				cancel()
			}
		})
	}
}
