package edis_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/edisptr/edis-go/pkg/edis"
)

// secretFaults are responses that hold a secret, or characters that could control a
// terminal.
var secretFaults = []fault{
	{id: "F94-secret-echoed", run: secretsEchoed},
	{id: "F94-secret-in-sessions", run: testSecretsInSessions},
	{id: "F95-control-characters", run: testControlCharacters},
	{id: "F96-proxy", run: func(t *testing.T) {
		t.Run("loopback", TestLoopbackUsesNoProxy)
		t.Run("environment", TestProxyFromEnvironment)
		t.Run("default transport", TestProxyOfDefaultTransport)
	}},
}

// secretEscapes are the usual ways to write a secret.
var secretEscapes = map[string]func(string) string{
	"raw":                func(s string) string { return s },
	"percent":            url.QueryEscape,
	"percent, twice":     func(s string) string { return url.QueryEscape(url.QueryEscape(s)) },
	"path":               url.PathEscape,
	"JSON":               jsonEscape,
	"Go":                 func(s string) string { return strings.Trim(strconv.QuoteToASCII(s), `"`) },
	"HTML":               html.EscapeString,
	"percent in JSON":    func(s string) string { return jsonEscape(url.PathEscape(s)) },
	"JSON in percent":    func(s string) string { return url.QueryEscape(jsonEscape(s)) },
	"after broken UTF-8": func(s string) string { return "\xff\xc3" + s },
	"cut off":            func(s string) string { return s[:len(s)*2/3] },
	"escaped, cut off":   func(s string) string { return url.QueryEscape(s)[:len(s)*2/3] },
}

func jsonEscape(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return strings.Trim(string(quoted), `"`)
}

// secretPlaces are whole HTTP responses with a text at one place.
var secretPlaces = map[string]func(text string) string{
	"message": func(text string) string {
		return httpResponse("400 Bad Request", "", `{"status":"error","error":"`+text+`"}`)
	},
	"other field": func(text string) string { return httpResponse("200 OK", "", `{"status":"`+text+`"}`) },
	"name": func(text string) string {
		return httpResponse("200 OK", "", `{"status":"success","data":{"`+text+`":5}}`)
	},
	"same names":   func(text string) string { return httpResponse("200 OK", "", `{"`+text+`":1,"`+text+`":2}`) },
	"HTML":         func(text string) string { return httpResponse("502 Bad Gateway", "", "<p>"+text+"</p>") },
	"content type": func(text string) string { return httpResponse("200 OK", "Content-Type: "+text+"\r\n", "{}") },
	"location": func(text string) string {
		return httpResponse("302 Found", "Location: https://a.example/"+text+"\r\n", "")
	},
	"bad location": func(text string) string { return httpResponse("302 Found", "Location: ://"+text+"\r\n", "") },
	"header":       func(text string) string { return httpResponse("500 Oops", text+"\r\n", "") },
	"retry after":  func(text string) string { return httpResponse("429 Slow", "Retry-After: "+text+"\r\n", "") },
	"reason":       func(text string) string { return httpResponse("500 "+text, "", "{}") },
	"status line":  func(text string) string { return "HTTP/1.1 " + text + "\r\n\r\n" },
	"no HTTP":      func(text string) string { return text + "\r\n\r\n" },
	"chunk": func(text string) string {
		return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + text + "\r\n"
	},
	"short body": func(text string) string {
		return "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n{\"error\":\"" + text
	},
	"cut-off JSON": func(text string) string { return httpResponse("200 OK", "", `{"status":"error","error":"`+text) },
}

func httpResponse(status, header, body string) string {
	if !strings.Contains(header, "Content-Type") {
		header += "Content-Type: application/json\r\n"
	}
	return fmt.Sprintf("HTTP/1.1 %s\r\n%sConnection: close\r\nContent-Length: %d\r\n\r\n%s", status, header, len(body), body)
}

// secretsEchoed checks that a secret anywhere in a response, however it is written, is
// not in an error, in what it unwraps to, or in the log. Of a login that includes secrets
// that only the response holds.
func secretsEchoed(t *testing.T) {
	calls := map[string]func(context.Context, *edis.Client) error{
		"set": func(ctx context.Context, c *edis.Client) error { return c.SetPTR(ctx, session(), onePTR) },
		"get": func(ctx context.Context, c *edis.Client) error {
			_, err := c.GetPTR(ctx, session(), addr("192.0.2.10"))
			return err
		},
		"login": func(ctx context.Context, c *edis.Client) error {
			_, err := c.Login(ctx, credentials)
			return err
		},
	}
	newSignature := "N3w" + strings.Repeat("0123456789abcdef", 32)
	secrets := map[string][]string{
		"set":   {signature},
		"get":   {signature},
		"login": {credentials.Password, credentials.Email, newSignature},
	}
	for place, respond := range secretPlaces {
		for writing, escape := range secretEscapes {
			for name, call := range calls {
				for _, secret := range secrets[name] {
					if secret == newSignature && (place == "message" || place == "short body") {
						continue // a failed login has no new secret
					}
					text := respond(escape(secret))
					service := listen(t, func(conn net.Conn) {
						_ = readRequest(conn)
						_, _ = io.WriteString(conn, text)
						_ = conn.Close()
					})
					var logged bytes.Buffer
					client := newClient(t, service, func(o *edis.Options) {
						o.Logger = slog.New(slog.NewJSONHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
					})
					shown := []string{}
					if err := call(t.Context(), client); err != nil {
						walk(err, func(cause error) { shown = append(shown, fmt.Sprintf("%v %+v %#v %q", cause, cause, cause, cause)) })
					}
					if shown = append(shown, logged.String()); logged.Len() == 0 {
						t.Fatalf("%s, %s as %s: no log", name, place, writing)
					}
					for _, text := range shown {
						if strings.Contains(strings.ToLower(text), strings.ToLower(secret[:8])) {
							t.Errorf("%s, %s as %s shows the secret: %s", name, place, writing, text)
						}
					}
				}
			}
		}
	}
}

// testSecretsInSessions is the part of row F94 in which a login that succeeds has
// secrets where it describes the servers.
func testSecretsInSessions(t *testing.T) {
	t.Helper()
	const newSignature = "N3w-s1gnature"
	for _, secret := range []string{credentials.Password, credentials.Email, newSignature} {
		echo := jsonEscape(url.QueryEscape(secret))
		login := `{"status":"success","data":{` +
			`"kvm_1":{"kvm_id":"kvm_1","signature":"` + newSignature + `","valid_until":4102444800,"description":"` + echo + `","api_host":"` + echo + `"},` +
			`"kvm_2":{"kvm_id":"kvm_2","signature":"` + newSignature + `","valid_until":4102444800,"description":"` + echo + `"},` +
			`"` + echo + `":{"signature":"` + newSignature + `","valid_until":4102444800},` +
			`"kvm_3":{"kvm_id":"` + echo + `"}}}`
		client := newClient(t, serve(t, respondWith(200, jsonType, login)).URL)
		sessions, err := client.Login(t.Context(), credentials)
		if err != nil || len(sessions) != 1 {
			t.Fatalf("Login = %v, %v, want the session of kvm_2", sessions, err)
		}
		_, err = client.Account(credentials).Session(t.Context())
		wantErrorIs(t, err, edis.ErrInvalidInput)
		for _, text := range []string{fmt.Sprint(sessions), sessions[0].Description, fmt.Sprint(err)} {
			if strings.Contains(text, echo[:6]) || strings.Contains(text, secret[:6]) {
				t.Errorf("%q shows the secret %q", text, secret)
			}
		}
	}
}

// The secret of one server is not shown in the text of another, and an API host is not a
// secret.
func TestSecretsOfOtherServers(t *testing.T) {
	t.Parallel()
	const one, two = "s3cr3t-of-kvm-1.example", "s3cr3t-of-kvm-2.example"
	body := `{"status":"success","data":{` +
		`"kvm_1":{"signature":"` + one + `","valid_until":4102444800,"description":"` + two + `","api_host":"API.Edis.example"},` +
		`"kvm_2":{"signature":"` + two + `","valid_until":4102444800,"api_host":"` + one + `"}}}`
	sessions, err := newClient(t, serve(t, respondWith(200, jsonType, body)).URL).Login(t.Context(), credentials)
	if err != nil || len(sessions) != 1 || sessions[0].APIHost != "api.edis.example" {
		t.Fatalf("Login = %v, %v, want the session of kvm_1", sessions, err)
	}
	if text := fmt.Sprint(sessions); strings.Contains(text, "s3cr3t") {
		t.Errorf("Sprint(sessions) = %s, which shows a secret", text)
	}
}

// testControlCharacters is the part of row F95 that the library sees.
func testControlCharacters(t *testing.T) {
	t.Helper()
	for _, char := range []string{"\x1b", "\x00", "\n", "\u0085", "\u202e", "\u200b"} {
		s := session()
		s.KVMID += char
		wantErrorIs(t, newClient(t, "http://127.0.0.1:1").SetPTR(t.Context(), s, onePTR), edis.ErrInvalidInput)
		quoted := jsonEscape(char)
		body := `{"status":"success","data":{"kvm_1":{"kvm_id":"kvm_1","signature":"s3cr3t-1","valid_until":4102444800,"description":"a` + quoted + `b"},` +
			`"kvm` + quoted + `":{"signature":"s3cr3t-2","valid_until":4102444800}}}`
		client := newClient(t, serve(t, respondWith(200, jsonType, body)).URL)
		sessions, err := client.Login(t.Context(), credentials)
		if err != nil || len(sessions) != 1 || sessions[0].Description != "a b" {
			t.Errorf("Login with %q = %v, %v, want one session with a printable description", char, sessions, err)
		}
		_, err = client.Account(credentials).Session(t.Context())
		errorService := serve(t, respondWith(400, jsonType, `{"status":"error","error":"a`+quoted+`b"}`))
		for _, err := range []error{err, setPTR(t, errorService, onePTR)} {
			if text := fmt.Sprint(err); strings.Contains(text, char) {
				t.Errorf("error with %q = %q, want printable text", char, text)
			}
		}
	}
}
