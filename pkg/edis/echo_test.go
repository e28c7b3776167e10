package edis_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/edisptr/edis-go/pkg/edis"
)

// escapes are the usual ways to write a secret.
var escapes = map[string]func(string) string{
	"raw":                func(s string) string { return s },
	"upper case":         strings.ToUpper,
	"percent":            url.QueryEscape,
	"percent lower case": func(s string) string { return strings.ToLower(url.QueryEscape(s)) },
	"percent twice":      func(s string) string { return url.QueryEscape(url.QueryEscape(s)) },
	"path":               url.PathEscape,
	"JSON":               jsonEscape,
	"JSON in ASCII":      func(s string) string { return everyRune(s, `\u%04x`) },
	"Go":                 func(s string) string { return strings.Trim(strconv.QuoteToASCII(s), `"`) },
	"PHP":                func(s string) string { return everyRune(s, `\u{%x}`) },
	"HTML":               html.EscapeString,
	"HTML in numbers":    func(s string) string { return everyRune(s, "&#%d;") },
	"percent in JSON":    func(s string) string { return jsonEscape(url.PathEscape(s)) },
	"JSON in percent":    func(s string) string { return url.QueryEscape(jsonEscape(s)) },
	"after broken UTF-8": func(s string) string { return "\xff\xc3" + s },
	"after other text":   func(s string) string { return strings.Repeat("x ", 200) + s },
}

func jsonEscape(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return strings.Trim(string(quoted), `"`)
}

func everyRune(text, format string) string {
	var escaped []byte
	for _, char := range text {
		escaped = fmt.Appendf(escaped, format, char)
	}
	return string(escaped)
}

// A place is where a response can have a text.
type place struct {
	response func(text, success string) string // the whole HTTP response
	shown    bool                              // whether an innocent text there is shown
}

var places = map[string]place{
	"message": {func(text, _ string) string {
		return httpResponse("400 No", "", `{"status":"error","error":"`+text+`"}`)
	}, true},
	"second message": {func(text, _ string) string {
		return httpResponse("401 No", "", `{"status":"error","error":"no","message":"`+text+`"}`)
	}, true},
	"undocumented": {func(text, _ string) string { return httpResponse("403 No", "", `{"msg":"`+text+`"}`) }, true},
	"server error": {func(text, _ string) string {
		return httpResponse("500 No", "", `{"status":"error","error":"`+text+`"}`)
	}, true},
	"field": {func(text, _ string) string { return httpResponse("200 OK", "", `{"status":"`+text+`"}`) }, true},
	"name of a field": {func(text, _ string) string {
		return httpResponse("200 OK", "", `{"`+text+`":5}`)
	}, true},
	"name twice": {func(text, _ string) string { return httpResponse("200 OK", "", `{"`+text+`":1,"`+text+`":2}`) }, true},
	"HTML":       {func(text, _ string) string { return httpResponse("200 OK", "", "<p>"+text+"</p>") }, true},
	"address": {func(text, _ string) string {
		return httpResponse("200 OK", "", `{"status":"success","records":[{"ip":"`+text+`"}]}`)
	}, true},
	"truncated JSON": {func(text, _ string) string { return httpResponse("200 OK", "", `{"status":"error","error":"`+text) }, true},
	"content type": {func(text, success string) string {
		return httpResponse("200 OK", "Content-Type: "+text+"\r\n", success)
	}, true},
	"location": {func(text, _ string) string {
		return httpResponse("302 No", "Location: https://a.example/"+text+"\r\n", "")
	}, true},
	"bad location":   {func(text, _ string) string { return httpResponse("302 No", "Location: ://"+text+"\r\n", "") }, true},
	"broken header":  {func(text, _ string) string { return httpResponse("500 No", text+"\r\n", "") }, true},
	"status line":    {func(text, _ string) string { return "HTTP/1.1 " + text + "\r\n\r\n" }, true},
	"no HTTP":        {func(text, _ string) string { return text + "\r\n\r\n" }, true},
	"broken trailer": {func(text, success string) string { return chunked(success) + "0\r\n" + text + "\r\n\r\n" }, true},
	"header":         {func(text, _ string) string { return httpResponse("500 No", "X-Echo: "+text+"\r\n", "{}") }, false},
	"retry after":    {func(text, _ string) string { return httpResponse("429 No", "Retry-After: "+text+"\r\n", "") }, false},
	"reason phrase":  {func(text, _ string) string { return httpResponse("500 "+text, "", "{}") }, false},
	"chunk size":     {func(text, _ string) string { return chunked("") + text + "\r\n" }, false},
	"short body": {func(text, _ string) string {
		return "HTTP/1.1 400 No\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n{\"error\":\"" + text
	}, false},
}

// endsWithText has the places where the text is the end of what is shown.
var endsWithText = map[string]bool{"truncated JSON": true, "short body": true}

func httpResponse(status, header, body string) string {
	if !strings.Contains(header, "Content-Type") {
		header += "Content-Type: application/json\r\n"
	}
	return fmt.Sprintf("HTTP/1.1 %s\r\n%sConnection: close\r\nContent-Length: %d\r\n\r\n%s", status, header, len(body), body)
}

// chunked returns a response with one chunk, without the last one.
func chunked(body string) string {
	head := "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
	if body == "" {
		return head
	}
	return head + fmt.Sprintf("%x\r\n%s\r\n", len(body), body)
}

// An echo is a call whose secret the service may echo.
type echo struct {
	call    func(context.Context, *edis.Client) error
	secret  string
	success string
	rejects bool // whether the first request is rejected, so that the second has a new session
	isLogin bool // of whose response only the message of a failure is shown
	isNew   bool // whether the service makes the secret, so that no failure has it
}

func echoes() map[string]echo {
	const newSignature = "N3w0123456789abcdef0123456789abcdef"
	old, renewed := session(), session()
	old.Signature, renewed.Signature = "0ld-signature&more", "Renewed/signature&more"
	set := func(src edis.SessionSource) func(context.Context, *edis.Client) error {
		return func(ctx context.Context, c *edis.Client) error { return c.SetPTR(ctx, src, onePTR) }
	}
	logIn := func(ctx context.Context, c *edis.Client) error {
		_, err := c.Login(ctx, credentials)
		return err
	}
	return map[string]echo{
		"SetPTR": {call: set(session()), secret: signature, success: successBody},
		"DeletePTR": {call: func(ctx context.Context, c *edis.Client) error {
			return c.DeletePTR(ctx, session(), addr("192.0.2.10"))
		}, secret: signature, success: successBody},
		"GetPTR": {call: func(ctx context.Context, c *edis.Client) error {
			_, err := c.GetPTR(ctx, session(), addr("192.0.2.10"))
			return err
		}, secret: signature, success: `{"status":"success","records":[]}`},
		"repeated SetPTR and its old session": {call: set(renewingSource{old, renewed}), secret: string(old.Signature), success: successBody, rejects: true},
		"repeated SetPTR and its new session": {call: set(renewingSource{old, renewed}), secret: string(renewed.Signature), success: successBody, rejects: true},
		"Login and its password":              {call: logIn, secret: string(credentials.Password), success: loginResponse(""), isLogin: true},
		"Login and its e-mail address":        {call: logIn, secret: credentials.Email, success: loginResponse(""), isLogin: true},
		"Login and its new session":           {call: logIn, secret: newSignature, success: loginResponse(""), isLogin: true, isNew: true},
	}
}

// shownFor makes the call on a service that responds with the bytes. It returns all that is
// shown of it: errors in every format, their fields, and the log.
func (e echo) shownFor(t *testing.T, response string) string {
	t.Helper()
	var shown bytes.Buffer
	rejected := !e.rejects
	client := newClient(t, "http://127.0.0.1", func(o *edis.Options) {
		o.Logger = slog.New(slog.NewJSONHandler(&shown, &slog.HandlerOptions{Level: slog.LevelDebug}))
		o.HTTPClient = &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			reply := response
			if !rejected {
				rejected, reply = true, httpResponse("401 No", "", errorBody)
			}
			go func() {
				_ = readRequest(server)
				_, _ = io.WriteString(server, reply)
				_ = server.Close()
			}()
			return client, nil
		}}}
	})
	if err := e.call(t.Context(), client); err != nil {
		walk(err, func(cause error) {
			fmt.Fprintf(&shown, "\n%v %+v %#v %q", cause, cause, cause, cause)
			if mismatch := new(edis.ContractError); errors.As(cause, &mismatch) {
				fmt.Fprintf(&shown, "\n%s", mismatch.Body)
			}
		})
	}
	if shown.Len() == 0 {
		t.Error("nothing was logged")
	}
	return shown.String()
}

// TestEchoedSecret has a service echo secrets anywhere in its response. None is shown, and
// innocent text in the same place is.
func TestEchoedSecret(t *testing.T) {
	t.Parallel()
	for call, e := range echoes() {
		for where, place := range places {
			if e.isLogin {
				place.shown = strings.Contains(where, "message") || where == "undocumented" || where == "server error"
			}
			if where == "address" {
				place.shown = call == "GetPTR" // the others accept it
			}
			parallel(t, call+"/"+where, func(t *testing.T) {
				const innocent = "ordinary-words-of-42-letters"
				if shown := e.shownFor(t, place.response(innocent, e.success)); strings.Contains(shown, innocent) != place.shown {
					t.Errorf("%q is shown: %v, want %v, in %s", innocent, !place.shown, place.shown, shown)
				}
				if e.isNew && place.shown {
					return // a login that fails makes no session
				}
				for writing, escape := range escapes {
					shown := e.shownFor(t, place.response(escape(e.secret), e.success))
					e.wantHidden(t, writing, escape, shown)
					if endsWithText[where] {
						cut := escape(e.secret)[:len(escape(e.secret))*3/4]
						e.wantHidden(t, writing+", cut off", escape, e.shownFor(t, place.response(cut, e.success)))
					}
				}
			})
		}
	}
}

// wantHidden fails the test if the beginning of the secret is shown, as it is or escaped.
func (e echo) wantHidden(t *testing.T, writing string, escape func(string) string, shown string) {
	t.Helper()
	letters := lettersOf(shown)
	for _, leak := range []string{lettersOf(e.secret), lettersOf(escape(e.secret)), lettersOf(jsonEscape(escape(e.secret)))} {
		leak = strings.TrimLeft(leak, "x")
		if strings.Contains(letters, leak[:min(8, len(leak))]) {
			t.Errorf("%s: %q is shown in %.2000s", writing, leak[:min(8, len(leak))], shown)
		}
	}
}

// lettersOf returns the letters and digits of a text in lower case.
func lettersOf(text string) string {
	return strings.Map(func(char rune) rune {
		if unicode.IsLetter(char) || unicode.IsDigit(char) {
			return unicode.ToLower(char)
		}
		return -1
	}, text)
}

// Secrets may be 1 KiB long, and are withheld then too.
func TestLongestEchoedSecret(t *testing.T) {
	t.Parallel()
	secret := "s3cr3t&" + strings.Repeat("é", 508) + "x"
	signed := session()
	signed.Signature = edis.Secret(secret)
	for name, call := range map[string]func(*edis.Client) error{
		"signature": func(c *edis.Client) error { return c.SetPTR(t.Context(), signed, onePTR) },
		"password": func(c *edis.Client) error {
			_, err := c.Login(t.Context(), edis.Credentials{Email: "a@example.com", Password: edis.Secret(secret)})
			return err
		},
		"e-mail address": func(c *edis.Client) error {
			_, err := c.Login(t.Context(), edis.Credentials{Email: secret, Password: "a password"})
			return err
		},
	} {
		for writing, escape := range escapes {
			s := serve(t, respondWith(400, jsonType, `{"error":"`+jsonEscape("you sent "+escape(secret))+`"}`))
			err := call(newClient(t, s.URL))
			wantRequests(t, s, 1)
			if api := new(edis.APIError); !errors.As(err, &api) || !strings.HasPrefix(api.Message, "[text withheld") {
				t.Errorf("call with a %s of %d bytes, echoed as %s = %v, want the text withheld", name, len(secret), writing, err)
			}
		}
	}
}
