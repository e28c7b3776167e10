package contract

import (
	"net/http"
	"runtime"
	"strings"
	"testing"
	"weak"
)

// An answer can hold a secret, so a decoder that waits for the next one does not
// keep it.
func TestDecoderLetsGoOfTheAnswer(t *testing.T) { //nolint:paralleltest // others would take the decoder
	raw := []byte(`{"status":"success","secret":"` + strings.Repeat("x", 4096) + `"}`)
	held := weak.Make(&raw[0])
	if _, mismatch := decodeJSON(raw); mismatch != "" {
		t.Fatal(mismatch)
	}
	runtime.GC() // a pool outlives one
	if held.Value() != nil {
		t.Error("the answer is still held")
	}
}

// The errors of kin-openapi quote no value, even where their text is used.
func TestSchemaErrorsQuoteNoValue(t *testing.T) {
	t.Parallel()
	operation, err := Find("setPTR")
	if err != nil {
		t.Fatal(err)
	}
	schema, mismatch := operation.schema(http.StatusOK, http.Header{"Content-Type": {"application/json"}})
	if mismatch != "" {
		t.Fatal(mismatch)
	}
	err = schema.VisitJSON(map[string]any{"status": "s3cr3t"}, visitOptions...)
	if err == nil || strings.Contains(err.Error(), "s3cr3t") {
		t.Errorf("the error is %v", err)
	}
}
