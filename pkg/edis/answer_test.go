package edis

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"
	"unicode/utf8"

	"github.com/edisptr/edis-go/pkg/internal/contract"
	"github.com/edisptr/edis-go/pkg/internal/redact"
	"github.com/edisptr/edis-go/pkg/internal/transport"
)

// FuzzAnswer gives the client any answer: it never panics, never takes for a
// success what is none, and never says much.
func FuzzAnswer(f *testing.F) {
	f.Add(uint8(0), 200, "application/json", "", "", []byte(`{"status":"success","message":"done"}`))
	f.Add(uint8(1), 200, "application/json", "", "", []byte(`{"status":"success","records":[{"ip":"192.0.2.1","ptr_record":null}]}`))
	f.Add(uint8(2), 401, "application/json; charset=utf-8", "5", "", []byte(`{"status":"error","message":"secret"}`))
	f.Add(uint8(3), 200, "application/json", "", "", []byte(`{"status":"success","data":{"kvm_1":{"kvm_id":"kvm_1","signature":"x","api_host":"a.example","valid_until":1}}}`))
	f.Add(uint8(0), 307, "", "Mon, 02 Jan 2006 15:04:05 GMT", "https://secret.example", []byte(nil))
	f.Add(uint8(0), 200, "application/json", "", "", []byte(`{"status":"error","status":"success"}`))
	documented, err := contract.Operations()
	if err != nil {
		f.Fatal(err)
	}
	operations := []operation{setPTR, getPTR, deletePTR, createAuthSession}
	f.Fuzz(func(t *testing.T, which uint8, status int, contentType, retryAfter, location string, raw []byte) {
		r := request{operation: operations[int(which)%len(operations)], count: 1, hide: redact.Secrets{"secret"}}
		switch r.id {
		case "getPTR":
			r.read = func(body map[string]any) (mismatch string) { _, mismatch = readPTRs(body, nil); return mismatch }
		case "createAuthSession":
			r.read = func(body map[string]any) (mismatch string) { _, mismatch = readSessions(body); return mismatch }
		}
		header := http.Header{"Content-Type": {contentType}, "Retry-After": {retryAfter}, transport.RefusedLocation: {location}}
		failed := receipt{status: status, header: header, raw: raw}.understand(r, documented[r.id])
		if failed == nil {
			if !saysSuccess(status, raw) {
				t.Fatalf("%s: %d %q passes as a success", r.id, status, raw)
			}
			return
		}
		text := newCallError(failed.outcome, 1, failed.causes...).Error()
		if len(text) >= 4<<10 || !utf8.ValidString(text) || bytes.Contains([]byte(text), []byte("secret")) {
			t.Errorf("%s: %d %q gives the error %q", r.id, status, raw, text)
		}
	})
}

// saysSuccess reads an answer in another way than the client does.
func saysSuccess(status int, raw []byte) bool {
	var body struct {
		Status string `json:"status"`
	}
	err := json.Unmarshal(raw, &body)
	return status == http.StatusOK && err == nil && body.Status == "success" && utf8.Valid(raw)
}
