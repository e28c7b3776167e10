package edis

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/edisptr/edis-go/pkg/internal/contract"
	"github.com/edisptr/edis-go/pkg/internal/redact"
)

// FuzzResponse gives the client arbitrary responses. It must not panic, must not take
// a failure for a success, and its errors must be short and without secrets.
func FuzzResponse(f *testing.F) {
	f.Add(uint8(0), 200, "application/json", "", "", []byte(`{"status":"success","message":"done"}`))
	f.Add(uint8(1), 200, "application/json", "", "", []byte(`{"status":"success","records":[{"ip":"192.0.2.1","ptr_record":null}]}`))
	f.Add(uint8(2), 401, "application/json; charset=utf-8", "5", "", []byte(`{"status":"error","message":"secret"}`))
	f.Add(uint8(3), 200, "application/json", "", "", []byte(`{"status":"success","data":{"kvm_1":{"kvm_id":"kvm_1","signature":"x","api_host":"a.example","valid_until":1}}}`))
	f.Add(uint8(0), 307, "", "Mon, 02 Jan 2006 15:04:05 GMT", "https://secret.example", []byte(nil))
	f.Add(uint8(0), 302, "", "", "://secret", []byte(nil))
	f.Add(uint8(0), 200, "application/json", "", "", []byte(`{"status":"error","status":"success"}`))
	const secret = "secret-0123456789"
	session := Session{KVMID: "kvm_1", Signature: secret, ValidUntil: time.Now().Add(time.Hour)}
	f.Fuzz(func(t *testing.T, operation uint8, status int, contentType, retryAfter, location string, raw []byte) {
		if status < 200 || status > 599 {
			t.Skip("not the status of a final response")
		}
		recorder := httptest.NewRecorder()
		recorder.Code, recorder.Body = status, bytes.NewBuffer(raw)
		recorder.Header()["Content-Type"] = []string{contentType}
		recorder.Header()["Retry-After"] = []string{retryAfter}
		recorder.Header()["Location"] = []string{location}
		transport := roundTripFunc(func(*http.Request) (*http.Response, error) { return recorder.Result(), nil })
		client, err := NewClient(&Options{HTTPClient: &http.Client{Transport: transport}, MaxAttempts: 1})
		if err != nil {
			t.Fatal(err)
		}
		ctx, address := t.Context(), netip.MustParseAddr("192.0.2.1")
		id, call := "createAuthSession", func() error { _, err := client.Login(ctx, Credentials{Email: "a", Password: secret}); return err }
		switch operation % 4 {
		case 0:
			id, call = "setPTR", func() error { return client.SetPTR(ctx, session, map[netip.Addr]string{address: "a.example"}) }
		case 1:
			id, call = "getPTR", func() error { _, err := client.GetPTR(ctx, session, address); return err }
		case 2:
			id, call = "deletePTR", func() error { return client.DeletePTR(ctx, session, address) }
		}
		if err = call(); err == nil {
			if !isSuccess(status, raw) {
				t.Fatalf("%s with response %d %q succeeds, want an error", id, status, raw)
			}
			return
		}
		text := err.Error()
		if len(text) >= 4<<10 || !utf8.ValidString(text) || bytes.Contains([]byte(text), []byte(secret)) {
			t.Errorf("%s with response %d %q = %q, want a short error without the secret", id, status, raw, text)
		}
	})
}

// A success that is documented but not a 200 says nothing about the records.
func TestOtherDocumentedSuccess(t *testing.T) {
	t.Parallel()
	schema := openapi3.NewObjectSchema()
	content := openapi3.NewContentWithSchema(schema, []string{contract.JSONContentType})
	documented := &contract.Operation{Operation: &openapi3.Operation{
		Responses: openapi3.NewResponses(openapi3.WithStatus(202, &openapi3.ResponseRef{Value: openapi3.NewResponse().WithContent(content)})),
	}}
	response := &http.Response{StatusCode: 202, Header: http.Header{"Content-Type": {contract.JSONContentType}}}
	failed := request{endpoint: setPTR.endpoint, records: 1}.evaluate(response, []byte(`{}`), nil, documented)
	if failed == nil || !errors.Is(failed, ErrContract) || !errors.Is(failed, ErrOutcomeUnknown) {
		t.Errorf("evaluate(202) = %v, want ErrContract and ErrOutcomeUnknown", failed)
	}
}

// An error of a body can quote it, if the Transport is that of the caller.
func TestBodyErrorIsWithheld(t *testing.T) {
	t.Parallel()
	r := request{endpoint: setPTR.endpoint, records: 1, caller: caller{hide: redact.Secrets{"a secret"}}}
	failed := r.evaluate(&http.Response{StatusCode: 200}, nil, errors.New("unexpected: a%20secret"), nil)
	if text := failed.Error(); strings.Contains(text, "secret,") || !strings.Contains(text, redact.Withheld) || strings.Contains(text, "%20") {
		t.Errorf("evaluate = %v, want the text withheld", failed)
	}
}

// A roundTripFunc is a function used as an http.RoundTripper.
type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// isSuccess reports whether a response is a success. It uses encoding/json, which the
// client does not.
func isSuccess(status int, raw []byte) bool {
	var body struct {
		Status string `json:"status"`
	}
	err := json.Unmarshal(raw, &body)
	return status == http.StatusOK && err == nil && body.Status == "success" && utf8.Valid(raw)
}
