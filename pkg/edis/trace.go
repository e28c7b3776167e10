package edis

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"sync/atomic"
	"time"
)

// A requestTrace watches how far a request got, which decides the outcome of a failure.
type requestTrace struct {
	hooks httptrace.ClientTrace

	wanted, obtained atomic.Bool // a connection: without one it cannot have reached the service
	http2            atomic.Bool // the connection speaks HTTP/2
	written          atomic.Bool // the whole request
	early            atomic.Bool // the response began before
}

// watch returns the context to send the request with.
func (t *requestTrace) watch(ctx context.Context) context.Context {
	t.hooks = httptrace.ClientTrace{
		GetConn: func(string) {
			t.wanted.Store(true)
			t.written.Store(false) // net/http may try again on another connection
		},
		GotConn: func(httptrace.GotConnInfo) { t.obtained.Store(true) },
		WroteHeaderField: func(name string, _ []string) {
			if name == ":method" {
				t.http2.Store(true)
			}
		},
		WroteRequest:         func(info httptrace.WroteRequestInfo) { t.written.Store(info.Err == nil) },
		GotFirstResponseByte: func() { t.early.Store(t.isUnwritten()) },
		Got1xxResponse: func(int, textproto.MIMEHeader) error {
			t.early.Store(false) // isEarly looks at the response that follows
			return nil
		},
	}
	return httptrace.WithClientTrace(ctx, &t.hooks)
}

// prepare completes a request. net/http can send it again by itself, with GetBody. Over
// HTTP/1.1 it does so if nothing was sent. Over HTTP/2 it also repeats requests that the
// service may have carried out, without limit, and the outcomes of all but the last are
// lost.
func (t *requestTrace) prepare(_ context.Context, r *http.Request) error {
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "edis-go (+https://github.com/edisptr/edis-go)")
	getBody := r.GetBody
	r.GetBody = func() (io.ReadCloser, error) {
		if t.http2.Load() {
			return nil, fmt.Errorf("HTTP/2 stream or connection broke: %w", io.ErrUnexpectedEOF)
		}
		return getBody()
	}
	return nil
}

// maybeSent reports whether the request may have reached the service. A transport
// that reports nothing to the trace proves nothing.
func (t *requestTrace) maybeSent() bool { return !t.wanted.Load() || t.obtained.Load() }

// isEarly reports whether a response began before the request was written: it may be the
// response to an earlier one, or the service did not read what it refused. Over HTTP/2 a
// response names its request. A transport that reports nothing to the trace gives no sign.
func (t *requestTrace) isEarly() bool {
	return !t.http2.Load() && (t.early.Load() || t.wanted.Load() && t.isUnwritten())
}

// isUnwritten reports whether the request is still being written. A fast service may respond
// to the last byte before net/http says that it has written it, so isUnwritten waits for
// that.
func (t *requestTrace) isUnwritten() bool {
	const pause, pauses = 100 * time.Microsecond, 1000
	for range pauses {
		if t.http2.Load() || t.written.Load() {
			return false
		}
		time.Sleep(pause)
	}
	return true
}
