package edis_test

import (
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/edisptr/edis-go/pkg/edis"
)

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

// A response of exactly the limit is read, and one that is a byte longer is refused: by
// default and with MaxResponseBytes, for every operation.
func TestResponseLimits(t *testing.T) {
	t.Parallel()
	for name, operation := range apiCalls() {
		for _, option := range []int64{0, 1000, 100 << 10, math.MaxInt64} {
			limit := int64(operation.limit)
			if option != 0 {
				limit = min(option, 1<<20) // more would only take time
			}
			for _, size := range []int64{limit, limit + 1} {
				body := operation.body + strings.Repeat(" ", int(size)-len(operation.body))
				client := newClient(t, serve(t, respondWith(200, jsonType, body)).URL, func(o *edis.Options) { o.MaxResponseBytes = option })
				err := operation.call(t.Context(), client)
				if want := size > limit && option != math.MaxInt64; errors.Is(err, edis.ErrResponseTooLarge) != want || !want && err != nil {
					t.Errorf("%s of %d bytes with MaxResponseBytes %d = %v, want ErrResponseTooLarge: %v", name, size, option, err, want)
				}
			}
		}
	}
}

// A failure that would only happen again is not retried: a response that is too large, a
// redirect, and a refusal, even if its body is truncated.
func TestNotRetried(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.HandlerFunc{
		"too large": respondWith(200, jsonType, strings.Repeat(" ", 1001)),
		"redirect":  func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusTemporaryRedirect) },
		"400, cut off": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			respondWith(400, jsonType, errorBody)(w, r)
		},
		"404, too large": respondWith(404, jsonType, strings.Repeat(" ", 1001)),
	} {
		for operation, api := range apiCalls() {
			synctest.Test(t, func(t *testing.T) {
				s := serveInMemory(t, handler, func(o *edis.Options) { o.MaxResponseBytes = 1000 })
				if err := api.call(t.Context(), s.client); err == nil || s.requests.Load() != 1 {
					t.Errorf("%s: %s = %v after %d requests, want an error after 1", name, operation, err, s.requests.Load())
				}
			})
		}
	}
}

// A refusal keeps its status if its body is truncated or too large.
func TestStatusOfBrokenRefusal(t *testing.T) {
	t.Parallel()
	for _, handler := range []http.HandlerFunc{
		respondWith(400, jsonType, strings.Repeat(" ", 1001)),
		func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			respondWith(400, jsonType, errorBody)(w, r)
		},
	} {
		err := setPTR(t, serve(t, handler), onePTR, func(o *edis.Options) { o.MaxResponseBytes = 1000 })
		wantAPIError(t, err, 400, "")
		if errors.Is(err, edis.ErrOutcomeUnknown) {
			t.Errorf("SetPTR = %v, want that nothing changed", err)
		}
	}
}

// A login that was not sent is retried. One that was sent is not: it could lock the
// account.
func TestLoginRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := serveInMemory(t, respondWith(200, jsonType, loginResponse("")))
		s.dialError = func(dial int64) error {
			if dial < 3 {
				return connectionRefused(dial)
			}
			return nil
		}
		if _, err := s.client.Login(t.Context(), credentials); err != nil || s.dials.Load() != 3 {
			t.Errorf("Login = %v after %d dials, want nil after 3", err, s.dials.Load())
		}
	})
	for _, handler := range []http.HandlerFunc{drop, serverError, tooManyRequests("1")} {
		synctest.Test(t, func(t *testing.T) {
			s := serveInMemory(t, handler)
			if _, err := s.client.Login(t.Context(), credentials); err == nil || s.requests.Load() != 1 {
				t.Errorf("Login = %v after %d requests, want an error after 1", err, s.requests.Load())
			}
		})
	}
}

// A closeCounter counts the bodies of responses that are not closed yet.
type closeCounter struct {
	io.Reader
	open *int
}

func (c closeCounter) Close() error { *c.open--; return nil }

// The body of each response of a caller's RoundTripper is closed.
func TestBodiesAreClosed(t *testing.T) {
	t.Parallel()
	for name, response := range map[string]struct {
		status int
		body   string
	}{
		"success": {200, successBody}, "login": {200, loginResponse("")}, "refusal": {400, errorBody},
		"server error": {500, errorBody}, "redirect": {307, ""}, "HTML": {200, htmlBody}, "too large": {200, strings.Repeat(" ", 1001)},
	} {
		open := 0
		client := newClient(t, "http://127.0.0.1:1", func(o *edis.Options) {
			o.MaxResponseBytes = 1000
			o.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				open++
				header := http.Header{"Content-Type": {jsonType}, "Location": {"https://a.example"}}
				return &http.Response{StatusCode: response.status, Header: header, ContentLength: -1, Body: closeCounter{strings.NewReader(response.body), &open}, Request: r}, nil
			})}
		})
		for operation, api := range apiCalls() {
			if _ = api.call(t.Context(), client); open != 0 {
				t.Errorf("%s of a %s leaves %d bodies open, want 0", operation, name, open)
				open = 0
			}
		}
	}
}

// A signature, an e-mail address or a password of 1,024 bytes is valid, and withheld when
// the service echoes it. A longer one is refused before anything is sent.
func TestLongestSecrets(t *testing.T) {
	t.Parallel()
	for _, length := range []int{1024, 1025} {
		secret := "s3cr3t&" + strings.Repeat("é", 508) + "x"
		secret += strings.Repeat("y", length-len(secret))
		s := session()
		s.Signature = secret
		for name, call := range map[string]func(*edis.Client) error{
			"SetPTR with a signature": func(c *edis.Client) error { return c.SetPTR(t.Context(), s, onePTR) },
			"Login with a password": func(c *edis.Client) error {
				_, err := c.Login(t.Context(), edis.Credentials{Email: "a@example.com", Password: secret})
				return err
			},
			"Login with an e-mail address": func(c *edis.Client) error {
				_, err := c.Login(t.Context(), edis.Credentials{Email: secret, Password: "a password"})
				return err
			},
		} {
			for echo, escape := range map[string]func(string) string{"text": func(s string) string { return s }, "form": url.QueryEscape} {
				server := serve(t, respondWith(400, jsonType, `{"error":"you sent `+escape(secret)+`"}`))
				err := call(newClient(t, server.URL))
				if length > 1024 {
					wantErrorIs(t, err, edis.ErrInvalidInput)
					wantRequests(t, server, 0)
					continue
				}
				wantErrorIs(t, err)
				wantRequests(t, server, 1)
				walk(err, func(cause error) {
					if strings.Contains(cause.Error(), "%C3%A9") || strings.Contains(cause.Error(), "éé") {
						t.Errorf("%s of %d bytes, echoed as %s = %v, want the text withheld", name, length, echo, cause)
					}
				})
				if !strings.Contains(err.Error(), "text withheld") {
					t.Errorf("%s of %d bytes, echoed as %s = %v, want the text withheld", name, length, echo, err)
				}
			}
		}
	}
}
