package contract

import (
	"net/http"
	"testing"
)

// The innermost level that names a server counts (OpenAPI 3.0).
func TestServerURL(t *testing.T) {
	t.Parallel()
	of := func(urls ...string) map[string]any {
		servers := []any{}
		for _, url := range urls {
			servers = append(servers, map[string]any{"url": url})
		}
		return map[string]any{"servers": servers}
	}
	operation, none := of("https://operation", "https://second"), of()
	for _, test := range []struct {
		document, path, operation map[string]any
		want                      string
	}{
		{of("https://document"), of("https://path"), operation, "https://operation"},
		{of("https://document"), of("https://path"), none, "https://path"},
		{of("https://document"), of("https://path"), nil, "https://path"},
		{of("https://document"), nil, nil, "https://document"},
		{nil, nil, nil, ""},
	} {
		if got := serverURL(test.operation, test.path, test.document); got != test.want {
			t.Errorf("serverURL(%v) = %q, want %q", test, got, test.want)
		}
	}
}

// A document that sends secrets in the clear, or to a host that an answer names,
// is not used.
func TestServersMustBeHTTPS(t *testing.T) {
	t.Parallel()
	for url, ok := range map[string]bool{
		"https://dns-api.edisglobal.com": true, "http://dns-api.edisglobal.com": false, "https://{api_host}": false, "": false, "/": false,
	} {
		if err := checkServer(&Operation{BaseURL: url}); (err == nil) != ok {
			t.Errorf("checkServer(%q) = %v", url, err)
		}
	}
}

func TestAnswerNamesWhatDoesNotMatch(t *testing.T) {
	t.Parallel()
	operations, err := Operations()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		status      int
		contentType []string
		body        string
		want        string
	}{
		{200, []string{"application/json"}, `{"status":"success"}`, ""},
		{418, nil, ``, "status 418 is not documented"},
		{200, nil, ``, "0 content types, want one"},
		{200, []string{"a/b", "c/d"}, ``, "2 content types, want one"},
		{200, []string{";"}, ``, `content type ";": mime: no media type`},
		{200, []string{"application/json; charset=latin1"}, ``, `charset "latin1"`},
		{200, []string{"text/html"}, ``, `content type "text/html" is not documented for status 200`},
		{200, []string{"application/json"}, `{"a":1,"a":2}`, "JSON with a name twice in an object, at byte 7"},
		{200, []string{"application/json"}, `{"a":`, "JSON that ends too early, at byte 5"},
		{200, []string{"application/json"}, ``, "JSON that ends too early, at byte 0"},
		{200, []string{"application/json"}, `{"status":"success"} {}`, "JSON with more behind it"},
		{200, []string{"application/json"}, `{"status":"success"}}`, "not JSON, at byte 20"},
		{200, []string{"application/json"}, `{"status":"success","a":[1,true,false,null,{"b":[]}]}`, ""},
		{200, []string{"application/json"}, `{"a":[1 2]}`, "not JSON, at byte 8"},
		{200, []string{"application/json"}, `{"a":1e999}`, "not JSON, at byte 0"},
		{200, []string{"application/json"}, `nope`, "not JSON, at byte 1"},
		{200, []string{"application/json"}, `{}`, `/status: property "status" is missing`},
		{200, []string{"application/json"}, `{"status":"success","message":5}`, "/message: value must be a string"},
		{200, []string{"application/json"}, `[]`, "value must be an object"},
	} {
		header := http.Header{"Content-Type": test.contentType}
		if _, got := operations["setPTR"].Answer(test.status, header, []byte(test.body)); got != test.want {
			t.Errorf("Answer(%d, %q, %q) = %q, want %q", test.status, test.contentType, test.body, got, test.want)
		}
	}
}
