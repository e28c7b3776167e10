package edis_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/edisptr/edis-go/pkg/edis"
)

// TestTextOfTheService is about what is shown of a response that has no secret.
func TestTextOfTheService(t *testing.T) {
	t.Parallel()
	parallel(t, "is shown though it is like a secret", func(t *testing.T) {
		login := edis.Credentials{Email: "owner@example.com", Password: "invalid-2026"}
		fixed := session()
		fixed.Signature = "invalid-2026"
		for _, text := range []string{"invalid login", "invalid-2025", "invalid 20", "nvalid-2026", "2026", "the owner", "invali", "owner at example", "invalid%202025", `\"invalid\"`} {
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				respondWith(400, jsonType, `{"status":"error","error":"`+text+` was sent"}`)(w, r)
			})
			client := newClient(t, s.URL)
			_, loginErr := client.Login(t.Context(), login)
			for _, err := range []error{loginErr, client.SetPTR(t.Context(), fixed, onePTR)} {
				api := new(edis.APIError)
				if want := strings.ReplaceAll(text, `\"`, `"`) + " was sent"; !errors.As(err, &api) || api.Message != want || !strings.Contains(err.Error(), want) {
					t.Errorf("call refused with %q = %v, want the text shown", text, err)
				}
			}
		}
	})
	parallel(t, "of a failed login is shown", func(t *testing.T) {
		for body, want := range map[string]string{
			`{"error":"Unauthorized","code":401,"message":"API access is off"}`: "Unauthorized: API access is off",
			`{"error":"Locked","message":null}`:                                 "Locked",
			`{"msg":"wait"}`:                                                    "wait",
		} {
			_, err := newClient(t, serve(t, respondWith(401, jsonType, body)).URL).Login(t.Context(), credentials)
			if api := new(edis.APIError); !errors.As(err, &api) || api.Message != want {
				t.Errorf("Login refused with %s = %v, want the message %q", body, err, want)
			}
		}
	})
	parallel(t, "of a login that is not as documented is not shown, nor where it is not", func(t *testing.T) {
		for body, want := range map[string]string{
			`{"status":"error","message":"text"}`:                "not of the documented schema",
			`{"status":"success","data":{"text":{"text":"text"}`: "not valid JSON",
			`{"status":"success","data":{"text":1,"text":2}}`:    "not valid JSON",
			`{"status":"success","data":{"text":1}}`:             "/data/*: not a usable session",
		} {
			_, err := newClient(t, serve(t, respondWith(200, jsonType, body)).URL).Login(t.Context(), credentials)
			if want := "edis: createAuthSession: response does not match the API document (HTTP 200): " + want; fmt.Sprint(err) != want {
				t.Errorf("Login with %s = %v, want %q", body, err, want)
			}
		}
	})
	parallel(t, "cannot control a terminal", func(t *testing.T) {
		for _, char := range []string{"\x1b", "\x00", "\n", "\u0085", "\u202e", "\u200b"} {
			text := "a" + char + "b"
			var log bytes.Buffer
			for _, handler := range []http.HandlerFunc{
				respondWith(400, jsonType, `{"status":"error","error":"`+jsonEscape(text)+`"}`),
				respondWith(200, "text/html", "<p>"+text+"</p>"),
				respondWith(200, jsonType, `{"`+jsonEscape(text)+`":1}`),
				respondWith(403, "text/plain", text),
				func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Location", "https://example.com/"+strings.NewReplacer("\n", "", "\x00", "").Replace(text))
					w.WriteHeader(302)
				},
			} {
				client := newClient(t, serve(t, handler).URL, func(o *edis.Options) {
					o.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
				})
				err := client.SetPTR(t.Context(), session(), onePTR)
				_, loginErr := client.Login(t.Context(), credentials)
				for _, err := range []error{err, loginErr} {
					walk(err, func(cause error) {
						if strings.Contains(cause.Error(), char) {
							t.Errorf("error with %q = %q, want printable text", char, cause)
						}
					})
				}
			}
			if log.Len() == 0 || strings.Contains(strings.ReplaceAll(log.String(), "\n", ""), char) {
				t.Errorf("log with %q = %q, want printable text", char, log.String())
			}
		}
	})
	parallel(t, "is cut off", func(t *testing.T) {
		s := serve(t, respondWith(400, jsonType, `{"status":"error","error":"`+strings.Repeat("é", 20<<10)+`"}`))
		err := newClient(t, s.URL).SetPTR(t.Context(), session(), onePTR)
		wantErrorIs(t, err)
		if api := new(edis.APIError); !errors.As(err, &api) || len(api.Message) > 1024 || !strings.HasSuffix(api.Message, "é...") {
			t.Errorf("SetPTR = %v, want a message of at most 1 KiB", err)
		}
	})
}

// The error of a caller's Renew does not show the rejected session, and its text is
// printable.
func TestErrorOfRenewIsSafe(t *testing.T) {
	t.Parallel()
	client := newClient(t, serve(t, respondWith(401, jsonType, errorBody)).URL)
	err := client.SetPTR(t.Context(), failingRenewer(func(context.Context) error { return fmt.Errorf("cannot renew %q: %w", signature, io.EOF) }), onePTR)
	wantErrorIs(t, err, edis.ErrUnauthorized)
	walk(err, func(cause error) { wantSafeText(t, cause) })
	if !errors.Is(err, io.EOF) {
		t.Errorf("errors.Is(%v, io.EOF) = false, want true", err)
	}
	err = client.SetPTR(t.Context(), failingRenewer(func(context.Context) error { return errors.New("a\x1b[2Jb") }), onePTR)
	if !strings.Contains(err.Error(), "a [2Jb") {
		t.Errorf("SetPTR = %q, want printable text", err)
	}
}

var loginsOfFleet = flag.Int("logins", 50, "how many logins TestLoginLosesNoServer makes")

// Signatures are random, and 500 of them begin like each other, or like the password, by
// chance. No login loses a server.
func TestLoginLosesNoServer(t *testing.T) {
	t.Parallel()
	const servers = 500
	var random [servers * 256]byte
	var body []byte
	client := newClient(t, "http://127.0.0.1:1", func(o *edis.Options) {
		o.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			_, _ = io.Copy(io.Discard, r.Body)
			return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {jsonType}}, Body: io.NopCloser(bytes.NewReader(body)), Request: r}, nil
		})}
	})
	for login := range *loginsOfFleet {
		_, _ = rand.Read(random[:])
		body = append(body[:0], `{"status":"success","data":{`...)
		for i := range servers {
			body = fmt.Appendf(body, `"kvm_%d_%x":{"signature":"`, i, random[256*i:256*i+4]) // an ID may be in another's signature
			body = append(hex.AppendEncode(body, random[256*i:256*i+256]), `","valid_until":4102444800,"description":"mail"},`...)
		}
		body = append(body[:len(body)-1], "}}"...)
		sessions, err := client.Login(t.Context(), edis.Credentials{Email: "a@example.com", Password: edis.Secret(hex.EncodeToString(random[:3]))})
		if err != nil || len(sessions) != servers {
			t.Fatalf("login %d = %d sessions, %v, want %d", login, len(sessions), err, servers)
		}
		for _, session := range sessions {
			if session.Signature == "" || session.Description != "mail" {
				t.Fatalf("login %d has an unusable session %+v", login, session)
			}
		}
	}
}
