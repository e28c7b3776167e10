package edis_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
)

// responseFaults are responses that do not confirm the call.
var responseFaults = []fault{
	{id: "F45-redirect-to-get", run: wantRedirectErrors(301, 302, 303)},
	{id: "F46-redirect-with-body", run: wantRedirectErrors(300, 304, 305, 307, 308)},
	{id: "F47-redirect-to-plain", run: func(t *testing.T) {
		other := serve(t, succeed)
		secure := httptest.NewTLSServer(http.RedirectHandler(other.URL, http.StatusPermanentRedirect))
		t.Cleanup(secure.Close)
		client := newClient(t, secure.URL, func(o *edis.Options) { o.HTTPClient = secure.Client() })
		wantErrorIs(t, client.SetPTR(t.Context(), session(), onePTR), edis.ErrRedirect, edis.ErrOutcomeUnknown)
		wantRequests(t, other, 0)
	}},
	{id: "F48-too-large", run: func(t *testing.T) {
		const limit = 64 << 10
		padding := strings.Repeat(" ", limit-len(successBody))
		wantSuccess(t, respondWith(200, jsonType, successBody+padding))
		tooLarge := successBody + padding + " "
		wantError(t, respondWith(200, jsonType, tooLarge), edis.ErrResponseTooLarge, edis.ErrOutcomeUnknown) // chunked
		wantError(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(len(tooLarge)))
			respondWith(200, jsonType, tooLarge)(w, r)
		}, edis.ErrResponseTooLarge, edis.ErrOutcomeUnknown)
		_ = setPTRWithRetries(t, respondWith(200, jsonType, tooLarge), onePTR, 1, edis.ErrResponseTooLarge, edis.ErrOutcomeUnknown)
		err := setPTR(t, serve(t, succeed), onePTR, func(o *edis.Options) { o.MaxResponseBytes = math.MaxInt64 })
		if err != nil {
			t.Errorf("SetPTR with the largest MaxResponseBytes = %v", err)
		}
	}},
	{id: "F48-reads-no-more", run: func(t *testing.T) {
		body := &countingBody{}
		transport := roundTripper(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {jsonType}}, ContentLength: -1, Body: body, Request: r}, nil
		})
		client := newClient(t, "http://127.0.0.1:1", func(o *edis.Options) {
			o.HTTPClient = &http.Client{Transport: transport}
			o.MaxResponseBytes = 1000
		})
		wantErrorIs(t, client.SetPTR(t.Context(), session(), onePTR), edis.ErrResponseTooLarge, edis.ErrOutcomeUnknown)
		if body.read > 1001 {
			t.Errorf("client read %d bytes of the body, want at most 1001", body.read)
		}
	}},
	{id: "F49-gzip-bomb", run: testGzipBomb, alone: true},
	{id: "F50-headers", run: func(t *testing.T) {
		for _, size := range []int{12 << 20, 128 << 10} { // the limit is 64 KiB
			wantError(t, func(w http.ResponseWriter, r *http.Request) {
				for i := range 12 {
					w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("x", size/12))
				}
				succeed(w, r)
			}, edis.ErrOutcomeUnknown)
		}
	}},
	{id: "F51-short-body", run: func(t *testing.T) {
		wantError(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			succeed(w, r)
		}, edis.ErrOutcomeUnknown)
	}},
	{id: "F52-truncated", run: wantContractErrors(`{"status":"success"`, `{"status":"succ`, `{`)},
	{id: "F53-html", run: func(t *testing.T) {
		wantError(t, respondWith(200, "text/html; charset=utf-8", "<html>Please log in</html>"), edis.ErrContract, edis.ErrOutcomeUnknown)
	}},
	{id: "F54-empty", run: wantContractErrors(`{}`, `null`, ``, `[]`, `"success"`, `{"message":"done"}`)},
	{id: "F55-error-in-200", run: func(t *testing.T) {
		err := setPTRError(t, respondWith(200, jsonType, `{"status":"error","error":"IP is not yours"}`), edis.ErrContract, edis.ErrOutcomeUnknown)
		if !strings.Contains(err.Error(), "IP is not yours") {
			t.Errorf("SetPTR = %v, want an error with the message of the service", err)
		}
	}},
	{id: "F56-keys", run: wantContractErrors(`{"status":"error","status":"success"}`, `{"STATUS":"success"}`, `{"Status":"success"}`)},
	{id: "F57-around", run: wantContractErrors(successBody+`x`, successBody+successBody)},
	{id: "F58-nesting", alone: true, run: func(t *testing.T) {
		for _, body := range []string{
			strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000),
			`{"status":"success","message":` + strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_001),
		} {
			best := time.Hour // of 5 attempts, as the machine may be busy
			for range 5 {
				started := time.Now()
				wantError(t, respondWith(200, jsonType, body), edis.ErrContract, edis.ErrOutcomeUnknown)
				best = min(best, time.Since(started))
			}
			if best > 100*time.Millisecond && !underRaceDetector {
				t.Errorf("SetPTR took %v, want at most 100ms", best)
			}
		}
	}},
	{id: "F59-utf8", run: wantContractErrors("{\"status\":\"success\",\"message\":\"\xff\"}")},
	{id: "F60-content-type", run: testContentType},
	{id: "F61-other-2xx", run: func(t *testing.T) {
		for _, status := range []int{201, 202, 204, 206} {
			body := successBody
			if status == http.StatusNoContent {
				body = ""
			}
			wantError(t, respondWith(status, jsonType, body), edis.ErrContract, edis.ErrOutcomeUnknown)
		}
	}},
}

// underRaceDetector is set by race_test.go. Limits on time and allocations do not
// hold under the race detector.
var underRaceDetector bool

// wantError fails the test unless SetPTR sends the handler one request and returns an
// error that matches exactly these sentinels.
func wantError(t *testing.T, handler http.HandlerFunc, want ...error) {
	t.Helper()
	_ = setPTRError(t, handler, want...)
}

// setPTRError is like wantError but also returns the error.
func setPTRError(t *testing.T, handler http.HandlerFunc, want ...error) error {
	t.Helper()
	s := serve(t, handler)
	err := setPTR(t, s, onePTR)
	wantErrorIs(t, err, want...)
	wantRequests(t, s, 1)
	return err
}

func wantSuccess(t *testing.T, handler http.HandlerFunc) {
	t.Helper()
	if err := setPTR(t, serve(t, handler), onePTR); err != nil {
		t.Errorf("SetPTR = %v", err)
	}
}

// wantContractErrors returns a test that responds with status 200 and each of these
// bodies, and wants a ContractError.
func wantContractErrors(bodies ...string) func(*testing.T) {
	return func(t *testing.T) {
		t.Helper()
		for _, body := range bodies {
			err := setPTRError(t, respondWith(200, jsonType, body), edis.ErrContract, edis.ErrOutcomeUnknown)
			var contract *edis.ContractError
			if !errors.As(err, &contract) || contract.Op != "setPTR" || contract.Status != 200 || contract.Reason == "" {
				t.Errorf("body %q: err = %v, want a ContractError of setPTR with status 200 and a reason", body, err)
			}
		}
	}
}

// wantRedirectErrors returns a test that redirects with each of these statuses, and
// wants ErrRedirect and no request to the other server.
func wantRedirectErrors(statuses ...int) func(*testing.T) {
	return func(t *testing.T) {
		t.Helper()
		other := serve(t, succeed)
		for _, status := range statuses {
			err := setPTRError(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", other.URL+"/set/ptr")
				w.WriteHeader(status)
			}, edis.ErrRedirect, edis.ErrOutcomeUnknown)
			if !strings.Contains(err.Error(), other.URL+"/set/ptr") {
				t.Errorf("status %d: err = %v, want an error with the location", status, err)
			}
		}
		wantRequests(t, other, 0)
	}
}

// testGzipBomb is row F49. The body is small on the wire, but unpacks to 256 MiB.
func testGzipBomb(t *testing.T) {
	var member bytes.Buffer
	writer := gzip.NewWriter(&member)
	_, err := writer.Write(bytes.Repeat([]byte(" "), 1<<20))
	if err := errors.Join(err, writer.Close()); err != nil {
		t.Fatal(err)
	}
	packed := bytes.Repeat(member.Bytes(), 256)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	wantError(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", jsonType)
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(packed)
	}, edis.ErrResponseTooLarge, edis.ErrOutcomeUnknown)
	runtime.ReadMemStats(&after)
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 4<<20 {
		t.Errorf("SetPTR allocated %d KiB, want at most 4 MiB", allocated>>10)
	}
}

// A roundTripper is a function used as an http.RoundTripper.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A countingBody is an endless response body that counts the bytes read from it.
type countingBody struct{ read int }

func (b *countingBody) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	b.read += len(p)
	return len(p), nil
}

func (b *countingBody) Close() error { return nil }

// testContentType is row F60. A wrong content type does not make a response wrong.
func testContentType(t *testing.T) {
	t.Helper()
	for _, contentTypes := range [][]string{
		{"text/json"}, {""}, {"text/html; charset=UTF-8"}, {"application/json; charset=iso-8859-1"}, {"*/*"}, {"text/html", jsonType}, {"application/json, text/html"},
	} {
		labeled := func(body string) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Content-Type"] = contentTypes
				_, _ = io.WriteString(w, body)
			}
		}
		var log bytes.Buffer
		logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
		if err := setPTR(t, serve(t, labeled(successBody)), onePTR, func(o *edis.Options) { o.Logger = logger }); err != nil {
			t.Errorf("SetPTR of a response with content type %q = %v, want nil", contentTypes, err)
		}
		if text := log.String(); strings.Count(text, "level=WARN") != 1 || !strings.Contains(text, contentTypes[0]) {
			t.Errorf("content type %q logs %q, want one warning that names it", contentTypes, text)
		}
		wantError(t, labeled("<html>"), edis.ErrContract, edis.ErrOutcomeUnknown)
		wantError(t, labeled(`{"status":"error"}`), edis.ErrContract, edis.ErrOutcomeUnknown)
	}
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	for body, warnings := range map[string]int{errorBody: 1, htmlBody: 0} { // the same for a failure
		log.Reset()
		err := setPTR(t, serve(t, respondWith(400, "text/html", body)), onePTR, func(o *edis.Options) { o.Logger = logger })
		if errors.Is(err, edis.ErrContract) != (warnings == 0) || strings.Count(log.String(), "level=WARN") != warnings {
			t.Errorf("SetPTR of the response 400 %s = %v with the log %q, want %d warnings", body, err, &log, warnings)
		}
	}
	log.Reset()
	s := serve(t, respondWith(200, "Application/JSON; charset=UTF-8", successBody))
	if err := setPTR(t, s, onePTR, func(o *edis.Options) { o.Logger = logger }); err != nil || log.Len() > 0 {
		t.Errorf("SetPTR = %v with the log %q, want nil and no warning", err, &log)
	}
	s = serve(t, respondWith(200, signature, successBody)) // a secret in the content type
	if err := setPTR(t, s, onePTR, func(o *edis.Options) { o.Logger = logger }); err != nil || strings.Contains(log.String(), "s3cr3t") || log.Len() == 0 {
		t.Errorf("SetPTR = %v with the log %q, want nil and a warning without the secret", err, &log)
	}
}
