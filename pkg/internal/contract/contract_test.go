package contract

import (
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// operationWith returns the operation of a document with these server URLs at its
// three levels. An empty URL means no server there.
func operationWith(document, path, operation string) (*Operation, error) {
	servers := func(url string) openapi3.Servers {
		if url == "" {
			return nil
		}
		return openapi3.Servers{{URL: url}, {URL: "https://second.example"}}
	}
	operationServers := servers(operation)
	post := &openapi3.Operation{OperationID: "op", Servers: &operationServers}
	operations, err := operationsOf(&openapi3.T{
		Servers: servers(document),
		Paths:   openapi3.NewPaths(openapi3.WithPath("/a", &openapi3.PathItem{Servers: servers(path), Post: post})),
	})
	return operations["op"], err
}

// The innermost level with a server wins, as OpenAPI 3.0 says.
func TestServer(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ document, path, operation, want string }{
		{"https://document", "https://path", "https://operation", "https://operation"},
		{"https://document", "https://path", "", "https://path"},
		{"https://document", "", "", "https://document"},
		{"https://{host}", "https://path", "", "https://path"},
	} {
		got, err := operationWith(test.document, test.path, test.operation)
		if err != nil || got.BaseURL != test.want || got.Method != http.MethodPost || got.Path != "/a" {
			t.Errorf("operationWith(%q, %q, %q) = %+v, %v, want POST /a with BaseURL %q", test.document, test.path, test.operation, got, err, test.want)
		}
	}
}

// A document must not make the client send secrets in the clear, or to a host that a
// response names.
func TestServerMustBeHTTPS(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"http://dns-api.edisglobal.com", "https://{api_host}", "", "/"} {
		if _, err := operationWith("", url, ""); err == nil || !strings.Contains(err.Error(), "POST /a") {
			t.Errorf("operationWith(path server %q) = %v, want an error with %q", url, err, "POST /a")
		}
	}
}

func TestValidateResponse(t *testing.T) {
	t.Parallel()
	operations := Operations()
	for _, test := range []struct {
		id     string
		status int
		body   string
		want   string
	}{
		{"setPTR", 200, `{"status":"success"}`, ""},
		{"setPTR", 200, `{"status":"success","a":[1,true,false,null,{"b":[]}]}`, ""},
		{"setPTR", 418, ``, "status 418 is not documented"},
		{"setPTR", 200, `{"a":1,"a":2}`, "not valid JSON, at byte 7: duplicate object member name"},
		{"setPTR", 200, `{"a":`, "not valid JSON, at byte 5: unexpected EOF"},
		{"setPTR", 200, ``, "not valid JSON, at byte 0: unexpected EOF"},
		{"setPTR", 200, `{"status":"success"} {}`, "not valid JSON, at byte 21: invalid character '{' after top-level value"},
		{"setPTR", 200, "{\"a\":\"\xff\"}", "not valid JSON, at byte 6: invalid UTF-8"},
		{"setPTR", 200, `{"a":1e999}`, "not valid JSON"},
		{"setPTR", 200, `{}`, `not of the documented schema, /status: property "status" is missing`},
		{"setPTR", 200, `{"status":"success","message":5}`, "not of the documented schema, /message: value must be a string"},
		{"setPTR", 200, `[]`, "not of the documented schema, /: value must be an object"},
		{"getPTR", 200, `{"status":"success","records":[{"ip":"a"},{"ip":5}]}`, "not of the documented schema, /records/1/ip: value must be a string"},
		// A KVM ID is not shown, since any session is allowed there.
		{"getPTR", 200, `{"status":"success","records":{"a":1}}`, "not of the documented schema, /records: there must be at most 0 properties"},
		{"getPTR", 200, `{"status":"success","data":{"ptr":{"192.0.2.1":5}}}`, "not of the documented schema, /data/ptr/192.0.2.1: value must be a string"},
		{"createAuthSession", 200, `{"status":"success","data":["a"]}`, "not of the documented schema, /data: maximum number of items is 0"},
	} {
		value, err := operations[test.id].ValidateResponse(test.status, []byte(test.body))
		if got := errorText(err); got != test.want || got == "" && value == nil {
			t.Errorf("%s: ValidateResponse(%d, %q) = %v, %q, want %q", test.id, test.status, test.body, value, got, test.want)
		}
	}
}

func TestIsJSON(t *testing.T) {
	t.Parallel()
	for contentType, want := range map[string]bool{
		"application/json":                     true,
		"Application/JSON; charset=UTF-8":      true,
		"application/json; charset=iso-8859-1": false,
		"application/json, text/html":          false,
		"text/html; charset=UTF-8":             false,
		"text/json":                            false,
		"":                                     false,
	} {
		if got := IsJSON(contentType); got != want {
			t.Errorf("IsJSON(%q) = %v, want %v", contentType, got, want)
		}
	}
}

// errorText returns the text of an error, or an empty string for nil.
func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
