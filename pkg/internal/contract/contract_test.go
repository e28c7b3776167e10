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
	operations, err := Operations()
	if err != nil {
		t.Fatal(err)
	}
	jsonType := []string{"application/json"}
	for _, test := range []struct {
		id          string
		status      int
		contentType []string
		body        string
		want        string
	}{
		{"setPTR", 200, jsonType, `{"status":"success"}`, ""},
		{"setPTR", 200, jsonType, `{"status":"success","a":[1,true,false,null,{"b":[]}]}`, ""},
		{"setPTR", 200, []string{"Application/JSON; charset=UTF-8"}, `{"status":"success"}`, ""},
		{"setPTR", 418, nil, ``, "status 418 is not documented"},
		{"setPTR", 200, nil, ``, "the content type is not documented for status 200"},
		{"setPTR", 200, []string{"application/json", "text/html"}, ``, "the content type is not documented for status 200"},
		{"setPTR", 200, []string{"application/json; charset=latin1"}, ``, "the content type is not documented for status 200"},
		{"setPTR", 200, []string{"text/html"}, ``, "the content type is not documented for status 200"},
		{"setPTR", 200, jsonType, `{"a":1,"a":2}`, "not valid JSON, at byte 7: duplicate object member name"},
		{"setPTR", 200, jsonType, `{"a":`, "not valid JSON, at byte 5: unexpected EOF"},
		{"setPTR", 200, jsonType, ``, "not valid JSON, at byte 0: unexpected EOF"},
		{"setPTR", 200, jsonType, `{"status":"success"} {}`, "not valid JSON, at byte 21: invalid character '{' after top-level value"},
		{"setPTR", 200, jsonType, "{\"a\":\"\xff\"}", "not valid JSON, at byte 6: invalid UTF-8"},
		{"setPTR", 200, jsonType, `{"a":1e999}`, "not valid JSON"},
		{"setPTR", 200, jsonType, `{}`, `/status: property "status" is missing`},
		{"setPTR", 200, jsonType, `{"status":"success","message":5}`, "/message: value must be a string"},
		{"setPTR", 200, jsonType, `[]`, "value must be an object"},
		{"getPTR", 200, jsonType, `{"status":"success","records":[{"ip":"a"},{"ip":5}]}`, "/records/1/ip: value must be a string"},
		// The error does not show names that the service chose, such as KVM ids.
		{"createAuthSession", 200, jsonType, `{"status":"success","data":{"secret":{"kvm_id":5}}}`, "/data/*/kvm_id: value must be a string"},
	} {
		header := http.Header{"Content-Type": test.contentType}
		value, err := operations[test.id].ValidateResponse(test.status, header, []byte(test.body))
		if got := errorText(err); got != test.want || got == "" && value == nil {
			t.Errorf("%s: ValidateResponse(%d, %q, %q) = %v, %q, want %q", test.id, test.status, test.contentType, test.body, value, got, test.want)
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
