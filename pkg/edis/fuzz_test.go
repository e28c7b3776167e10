package edis_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/edisptr/edis-go/pkg/edis"
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
	own := edis.Session{KVMID: "kvm_1", Signature: secret, ValidUntil: time.Now().Add(time.Hour)}
	f.Fuzz(func(t *testing.T, operation uint8, status int, contentType, retryAfter, location string, raw []byte) {
		if status < 200 || status > 599 {
			t.Skip("not the status of a final response")
		}
		header := http.Header{"Content-Type": {contentType}, "Retry-After": {retryAfter}, "Location": {location}}
		client := newClient(t, "", func(o *edis.Options) {
			o.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				_, err := io.Copy(io.Discard, r.Body)
				return &http.Response{StatusCode: status, Header: header, Body: body(string(raw)), Request: r}, err
			})}
		})
		ctx, address := t.Context(), addr("192.0.2.1")
		id, call := "createAuthSession", func() error {
			_, err := client.Login(ctx, edis.Credentials{Email: "a", Password: secret})
			return err
		}
		switch operation % 4 {
		case 0:
			id, call = "setPTR", func() error { return client.SetPTR(ctx, own, onePTR) }
		case 1:
			id, call = "getPTR", func() error { _, err := client.GetPTR(ctx, own, address); return err }
		case 2:
			id, call = "deletePTR", func() error { return client.DeletePTR(ctx, own, address) }
		}
		err := call()
		if err == nil {
			if !isSuccess(status, raw) {
				t.Fatalf("%s with response %d %q succeeds, want an error", id, status, raw)
			}
			return
		}
		if status == 200 && id == "setPTR" && edis.OutcomeOf(err) != edis.OutcomeUnknown {
			t.Errorf("%s with response %d %q = %v with outcome %v, want unknown", id, status, raw, err, edis.OutcomeOf(err))
		}
		if text := err.Error(); len(text) >= 4<<10 || !utf8.ValidString(text) || strings.Contains(text, secret) {
			t.Errorf("%s with response %d %q = %q, want a short error without the secret", id, status, raw, text)
		}
	})
}

// isSuccess reports whether a response is a success. It uses encoding/json, which the
// client does not.
func isSuccess(status int, raw []byte) bool {
	var response struct {
		Status string `json:"status"`
	}
	err := json.Unmarshal([]byte(strings.TrimPrefix(string(raw), "\ufeff")), &response)
	return status == http.StatusOK && err == nil && response.Status == "success" && utf8.Valid(raw)
}
