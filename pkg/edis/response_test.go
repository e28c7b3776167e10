package edis_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/internal/contract"
)

// Responses with status 200 that confirm a write.
func TestConfirmingResponse(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"with a message":          successBody,
		"without one":             `{"status":"success"}`,
		"with null for a message": `{"status":"success","message":null}`,
		"with more fields":        `{"status":"success","took":0.1,"list":[{}]}`,
		"with a byte order mark":  "\ufeff" + successBody,
		"with space around":       "\r\n\t " + successBody + "\n",
		"with the escapes of PHP": `{"status":"success","message":"a\/b \u00e9"}`,
		"with a surrogate pair":   `{"status":"success","message":"\ud83d\ude00"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, respondWith(200, jsonType, body))
			if err := setPTR(t, s, onePTR); err != nil {
				t.Errorf("SetPTR = %v", err)
			}
			if err := newClient(t, s.URL).DeletePTR(t.Context(), session(), addr("192.0.2.10")); err != nil {
				t.Errorf("DeletePTR = %v", err)
			}
		})
	}
}

// Responses with status 200 that confirm nothing: JSON is read strictly, and must be as
// documented.
func TestResponseThatConfirmsNothing(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"empty":                               ``,
		"an empty object":                     `{}`,
		"null":                                `null`,
		"a list":                              `[]`,
		"a string":                            `"success"`,
		"another field":                       `{"message":"done"}`,
		"truncated":                           `{"status":"success"`,
		"truncated in a string":               `{"status":"succ`,
		"truncated after a brace":             `{`,
		"HTML":                                "<html>Please log in</html>",
		"status error":                        errorBody,
		"status null":                         `{"status":null}`,
		"status in another case":              `{"status":"Success"}`,
		"status with a space":                 `{"status":"success "}`,
		"a list for a status":                 `{"status":["success"]}`,
		"a number for a message":              `{"status":"success","message":5}`,
		"a duplicate key":                     `{"status":"error","status":"success"}`,
		"a duplicate key elsewhere":           `{"status":"success","a":{"b":1,"b":2}}`,
		"a key in upper case":                 `{"STATUS":"success"}`,
		"a key in title case":                 `{"Status":"success"}`,
		"text after the value":                successBody + `x`,
		"a second value":                      successBody + successBody,
		"a comma at the end":                  `{"status":"success",}`,
		"invalid UTF-8":                       "{\"status\":\"success\",\"message\":\"\xff\"}",
		"an unpaired surrogate":               `{"status":"success","message":"\ud800"}`,
		"a byte order mark within":            `{"status":` + "\ufeff" + `"success"}`,
		"a second byte order mark":            "\ufeff\ufeff" + successBody,
		"UTF-16":                              "\xff\xfe{\x00}\x00",
		"deeply nested lists":                 strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000),
		"a deeply nested message":             `{"status":"success","message":` + strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_001),
		"a large value where a string is due": `{"status":[` + strings.Repeat(`{"a":["xx"]},`, 50<<10/13) + `0]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, respondWith(200, jsonType, body))
			failed := wantFailure(t, setPTR(t, s, onePTR), edis.OutcomeUnknown, edis.ErrContract)
			var mismatch *edis.ContractError
			if !errors.As(failed, &mismatch) || mismatch.Op != "setPTR" || mismatch.Status != 200 || mismatch.Reason == "" || len(mismatch.Body) > 512 {
				t.Errorf("SetPTR = %v, want a ContractError of setPTR with status 200, a reason and at most 512 bytes of the body", failed)
			}
			if begins := body[:min(20, len(body))]; name == "HTML" && !strings.Contains(failed.Error(), begins) {
				t.Errorf("SetPTR = %v, want the beginning of the body", failed)
			}
		})
	}
}

// A 200 that says what failed is not a success, and its text is shown, also that of the
// field in which other operations of the provider have it.
func TestFailureWithStatus200(t *testing.T) {
	t.Parallel()
	for _, field := range []string{"error", "message", "msg"} {
		s := serve(t, respondWith(200, jsonType, `{"status":"error","`+field+`":"IP is not yours"}`))
		failed := wantFailure(t, setPTR(t, s, onePTR), edis.OutcomeUnknown, edis.ErrContract)
		if strings.Count(failed.Error(), "IP is not yours") != 1 {
			t.Errorf("SetPTR = %v, want the text of the service once", failed)
		}
	}
}

// Only 200 confirms a call, even if the API document should come to describe another
// success: it is not known what that would say of the records.
func TestOtherDocumentedSuccess(t *testing.T) {
	t.Parallel()
	if os.Getenv("EDIS_TEST_ACCEPTED") == "" {
		runInChild(t, "EDIS_TEST_ACCEPTED=yes")
		return
	}
	content := openapi3.NewContentWithSchema(openapi3.NewObjectSchema(), []string{contract.JSONContentType})
	contract.Operations()["setPTR"].Responses.Set("202", &openapi3.ResponseRef{Value: openapi3.NewResponse().WithContent(content)})
	s := serve(t, respondWith(202, jsonType, successBody))
	wantOutcome(t, setPTR(t, s, onePTR), edis.OutcomeUnknown, edis.ErrContract)
	wantRequests(t, s, 1)
}

// The label of a response is not its content: JSON as documented counts whatever its
// content type, and the Logger gets a warning that names it.
func TestWrongContentType(t *testing.T) {
	t.Parallel()
	for _, contentTypes := range [][]string{
		{"text/json"}, {""}, {"text/html; charset=UTF-8"}, {"application/json; charset=iso-8859-1"}, {"*/*"}, {"text/html", jsonType}, {"application/json, text/html"},
	} {
		t.Run(contentTypes[0], func(t *testing.T) {
			t.Parallel()
			labeled := func(status int, body string) *service {
				return serve(t, func(w http.ResponseWriter, _ *http.Request) {
					w.Header()["Content-Type"] = contentTypes
					w.WriteHeader(status)
					_, _ = io.WriteString(w, body)
				})
			}
			if warnings, err := warningsOf(t, labeled(200, successBody)); err != nil || strings.Count(warnings, "level=WARN") != 1 || !strings.Contains(warnings, contentTypes[0]) {
				t.Errorf("SetPTR = %v with the warnings %q, want nil and one that names the content type", err, warnings)
			}
			warnings, err := warningsOf(t, labeled(400, errorBody))
			wantOutcome(t, err, edis.OutcomeUnchanged)
			if strings.Count(warnings, "level=WARN") != 1 || !strings.Contains(warnings, contentTypes[0]) {
				t.Errorf("SetPTR that is refused warns %q, want one warning that names the content type", warnings)
			}
			for status, bodies := range map[int][]string{200: {htmlBody, errorBody, `{}`}, 400: {htmlBody, "", `{"error":5}`}, 403: {errorBody}} {
				for _, body := range bodies {
					if warnings, err := warningsOf(t, labeled(status, body)); err == nil || warnings != "" {
						t.Errorf("SetPTR of the response %d %s = %v with the warnings %q, want an error and none", status, body, err, warnings)
					}
				}
			}
		})
	}
	for _, right := range []string{jsonType, "Application/JSON; charset=UTF-8", "application/json;charset=utf-8"} {
		if warnings, err := warningsOf(t, serve(t, respondWith(200, right, successBody))); err != nil || warnings != "" {
			t.Errorf("SetPTR with content type %s = %v with the warnings %q, want none", right, err, warnings)
		}
	}
}

// warningsOf sets a record, and returns what the Logger is warned of.
func warningsOf(t *testing.T, s *service) (warnings string, err error) {
	t.Helper()
	var log bytes.Buffer
	err = setPTR(t, s, onePTR, func(o *edis.Options) {
		o.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	})
	return log.String(), err
}

// The text of a failure is that of the service, from wherever the response has it.
func TestFailureText(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ body, want string }{
		{`{"status":"error","error":"some reason"}`, "some reason"},
		{`{"status":"error","message":"some reason"}`, "some reason"},
		{`{"status":"error","msg":"some reason"}`, "some reason"},
		{`{"error":"some reason"}`, "some reason"},
		{`{"error":"a","message":"b","msg":"c"}`, "a: b: c"},
		{`{"error":null,"message":"some reason"}`, "some reason"},
		{`{"error":"","message":null}`, ""},
		{`{"status":"error"}`, ""},
		{`{}`, ""},
		{"\ufeff" + errorBody, "some reason"},
		{`{"error":"\u001b[2Jcleared\u0007\n"}`, " [2Jcleared  "}, // cannot control the terminal
		{`{"error":"a\u202eb"}`, "a b"},
		{`{"error":"` + strings.Repeat("x", 1024) + `"}`, strings.Repeat("x", 1024)},
		{`{"error":"` + strings.Repeat("x", 54<<10) + `"}`, strings.Repeat("x", 1021) + "..."},
		{htmlBody, ""},
		{`["some reason"]`, ""},
		{`"some reason"`, ""},
		{`{"error":["some reason"]}`, ""},
		{`{"error":"a"} {"error":"b"}`, ""},
	} {
		for _, status := range []int{400, 403, 404, 429, 500, 503} {
			t.Run(fmt.Sprintf("%d %.40q", status, test.body), func(t *testing.T) {
				t.Parallel()
				err := setPTR(t, serve(t, respondWith(status, jsonType, test.body)), onePTR)
				wantAPIError(t, err, status, test.want)
				if wantSafeText(t, err); test.want != "" && strings.Count(err.Error(), test.want) != 1 {
					t.Errorf("SetPTR = %v, want the text of the service once", err)
				}
			})
		}
	}
}

// A documented failure whose body is not as documented is an APIError with its status, and
// says beside that what is wrong. Its text is still that of the service, or the body, but
// not both.
func TestDocumentedFailureWithAnotherBody(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]struct{ message, body string }{
		htmlBody:                           {"", htmlBody},
		`{"status":`:                       {"", `{"status":`},
		``:                                 {"", ""},
		`[]`:                               {"", "[]"},
		`{"status":5,"error":"the cause"}`: {"the cause", ""},
	} {
		for _, status := range []int{400, 401, 500} {
			err := setPTR(t, serve(t, respondWith(status, jsonType, body)), onePTR)
			wantAPIError(t, err, status, want.message)
			if begins := fmt.Sprintf("edis: setPTR: HTTP %d ", status); !strings.HasPrefix(err.Error(), begins) {
				t.Errorf("SetPTR = %v, want the status first", err)
			}
			var mismatch *edis.ContractError
			if !errors.As(err, &mismatch) || mismatch.Status != status || mismatch.Op != "setPTR" || mismatch.Reason == "" || string(mismatch.Body) != want.body {
				t.Errorf("SetPTR of the response %d %s = %v, want a ContractError beside the APIError with the body %q", status, body, err, want.body)
			}
		}
	}
	// A failure that is not documented has no form that it could miss.
	for _, body := range []string{htmlBody, `{"status":`, ``, `{"status":5}`} {
		err := setPTR(t, serve(t, respondWith(404, jsonType, body)), onePTR)
		if wantAPIError(t, err, 404, ""); errors.Is(err, edis.ErrContract) || errors.As(err, new(*edis.ContractError)) {
			t.Errorf("SetPTR of the response 404 %s = %v, want no ContractError", body, err)
		}
	}
}

// An APIError matches the sentinel of its status, and no other.
func TestAPIErrorSentinels(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]error{400: nil, 401: edis.ErrUnauthorized, 403: nil, 428: nil, 429: edis.ErrRateLimited, 430: nil, 499: nil, 500: edis.ErrServer, 503: edis.ErrServer, 999: edis.ErrServer} {
		if got := (&edis.APIError{Status: status}).Unwrap(); got != want { //nolint:errorlint // the sentinel itself
			t.Errorf("APIError{Status: %d}.Unwrap() = %v, want %v", status, got, want)
		}
	}
}

// A 404 to a PTR call says where else the service may have the path, and which Options
// reach it. It is no use where the call went there already, nor for a login.
func TestNotFoundNamesTheOtherPath(t *testing.T) {
	t.Parallel()
	notFound := respondWith(404, "text/html", htmlBody)
	const hint = "earlier material of the provider has this path under /kvm/v2"
	for name, api := range apiCalls() {
		s := serve(t, notFound)
		for path, hinted := range map[string]bool{"": name != "Login", "/": name != "Login", "/base": name != "Login", "/kvm/v2": false, "/kvm/v2/": false, "/base/kvm/v2": false} {
			auth := "https://session.example"
			if name == "Login" {
				auth = s.URL
			}
			err := api.call(t.Context(), newClient(t, "", func(o *edis.Options) { o.RDNSURL, o.AuthURL = s.URL+path, auth }))
			want := fmt.Sprintf("set Options.RDNSURL to %s%s/kvm/v2 and Options.AuthURL to https://session.example", s.URL, strings.TrimSuffix(path, "/"))
			if got := strings.Contains(err.Error(), hint); got != hinted || hinted && !strings.Contains(err.Error(), want) {
				t.Errorf("%s at %s%s = %v, want a hint with %q: %v", name, s.URL, path, err, want, hinted)
			}
			if !errors.As(err, new(*edis.APIError)) {
				t.Errorf("%s = %v, want an APIError", name, err)
			}
		}
	}
	client := newClient(t, "", func(o *edis.Options) {
		o.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 404, Body: http.NoBody, Request: r}, nil
		})}
	})
	err := client.SetPTR(t.Context(), session(), onePTR)
	if want := "set Options.RDNSURL to https://dns-api.edisglobal.com/kvm/v2 and Options.AuthURL to https://session.edisglobal.com"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("SetPTR at the default server = %v, want %q", err, want)
	}
	for _, status := range []int{400, 403, 405, 410} {
		if err := setPTR(t, serve(t, respondWith(status, "", "")), onePTR); strings.Contains(err.Error(), "/kvm/v2") {
			t.Errorf("SetPTR with status %d = %v, want no hint", status, err)
		}
	}
}
