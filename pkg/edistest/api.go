package edistest

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json"

	"github.com/edisptr/edis-go/gen"
)

// A Request is one request as the API received it.
type Request struct {
	Method string
	Path   string
	Header http.Header
	Body   string     // as it came, secrets included
	Form   url.Values // Body decoded; nil if it is not a form
	Status int        // of the answer
}

const (
	formContentType = "application/x-www-form-urlencoded"
	jsonContentType = "application/json"

	maxRequestBytes = 256 << 20 // a form of a million records has about 80 MB
)

// specOperation is one operation of the API document, and what the fake does
// for it.
type specOperation struct {
	method  string
	request *openapi3.Schema
	answers *openapi3.Responses
	serve   func(*Server, map[string]any) reply
}

// reply is an answer before it is encoded.
type reply struct {
	status int
	body   map[string]any
}

func success(message string) reply {
	return reply{http.StatusOK, map[string]any{"status": "success", "message": message}}
}

func failure(status int, format string, args ...any) reply {
	return reply{status, map[string]any{"status": "error", "error": fmt.Sprintf(format, args...)}}
}

// mustLoadSpec finds in the document the operations that the fake serves. That
// it fails would be a defect of this module, so it panics.
func mustLoadSpec() map[string]specOperation {
	served := map[string]func(*Server, map[string]any) reply{
		"setPTR": (*Server).serveSetPTR,
	}
	document, err := gen.GetSpec()
	if err != nil {
		panic(fmt.Sprintf("edistest: the embedded API document: %v", err))
	}
	operations := make(map[string]specOperation)
	for path, item := range document.Paths.Map() {
		for method, operation := range item.Operations() {
			serve, ok := served[operation.OperationID]
			if !ok {
				panic(fmt.Sprintf("edistest: the API document has an operation %q that the fake does not serve", operation.OperationID))
			}
			operations[path] = specOperation{
				method:  method,
				request: operation.RequestBody.Value.Content[formContentType].Schema.Value,
				answers: operation.Responses,
				serve:   serve,
			}
		}
	}
	return operations
}

// ServeHTTP serves the API, for those who want to put a handler of their own
// before it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequestBytes))
	received := Request{Method: r.Method, Path: r.URL.Path, Header: r.Header, Body: string(body)}
	if err == nil {
		received.Form, err = parseForm(r.Header, received.Body)
	}
	answer := s.answer(received, err)
	received.Status = answer.status
	s.record(received) // before the answer: who has that must find the request
	w.Header().Set("Content-Type", answer.contentType)
	w.WriteHeader(answer.status)
	_, _ = w.Write(answer.body) // a client that has gone is none of our business
}

func (s *Server) record(received Request) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.requests = append(s.requests, received)
}

// answer is what goes back over HTTP.
type answer struct {
	status      int
	contentType string
	body        []byte
}

// answer routes a request and serves it.
func (s *Server) answer(received Request, formErr error) answer {
	operation, ok := s.spec[received.Path]
	if !ok {
		return undocumented(http.StatusNotFound, "the API document has no path %q", received.Path)
	}
	if received.Method != operation.method {
		return undocumented(http.StatusMethodNotAllowed, "this path takes %s, not %s", operation.method, received.Method)
	}
	return operation.encode(s.serve(operation, received.Form, formErr))
}

// undocumented says that the request is not one of the API at all.
func undocumented(status int, format string, args ...any) answer {
	return answer{status, "text/plain; charset=utf-8", fmt.Appendf(nil, "edistest: "+format+"\n", args...)}
}

// serve checks a request against the schema and the session, and carries it
// out.
func (s *Server) serve(operation specOperation, form url.Values, formErr error) reply {
	if formErr != nil {
		return failure(http.StatusBadRequest, "%v", formErr)
	}
	fields, err := decodeFields(operation.request, form)
	if err != nil {
		return failure(http.StatusBadRequest, "%v", err)
	}
	if err := s.checkSession(fields); err != nil {
		return failure(http.StatusUnauthorized, "%v", err)
	}
	return operation.serve(s, fields)
}

// encode makes the answer, once the reply was found valid against the document.
func (o specOperation) encode(r reply) answer {
	if err := o.check(r); err != nil {
		log.Printf("edistest: reply withheld, it does not match the API document: %v", err)
		r = failure(http.StatusInternalServerError, "internal error")
	}
	body, err := json.Marshal(r.body, json.Deterministic(true))
	if err != nil {
		panic(fmt.Sprintf("edistest: a map of strings does not marshal: %v", err))
	}
	return answer{r.status, jsonContentType, body}
}

func (o specOperation) check(r reply) error {
	documented := o.answers.Status(r.status)
	if documented == nil {
		return fmt.Errorf("status %d is not documented", r.status)
	}
	return documented.Value.Content[jsonContentType].Schema.Value.VisitJSON(r.body,
		openapi3.VisitAsResponse(), openapi3.DisableSchemaErrorDetails())
}

// parseForm decodes a form in which each field stands once.
func parseForm(header http.Header, body string) (url.Values, error) {
	if mediaType, _, err := mime.ParseMediaType(header.Get("Content-Type")); err != nil || mediaType != formContentType {
		return nil, fmt.Errorf("the content type is %q, not %s", header.Get("Content-Type"), formContentType)
	}
	form, err := url.ParseQuery(body)
	if err != nil {
		return nil, fmt.Errorf("the body is not a form: %w", err)
	}
	for name, values := range form {
		if len(values) > 1 {
			return nil, fmt.Errorf("field %q is given %d times", name, len(values))
		}
	}
	return form, nil
}

// decodeFields turns the form into the value that the request schema describes:
// what the schema does not call a string is JSON text.
func decodeFields(schema *openapi3.Schema, form url.Values) (map[string]any, error) {
	fields := make(map[string]any, len(form))
	for name := range form {
		fields[name] = form.Get(name)
		property := schema.Properties[name]
		if property == nil || property.Value.Type.Is(openapi3.TypeString) {
			continue
		}
		var value any
		if err := json.Unmarshal([]byte(form.Get(name)), &value); err != nil {
			return nil, fmt.Errorf("field %q is not JSON: %w", name, err)
		}
		fields[name] = value
	}
	if err := schema.VisitJSON(fields, openapi3.VisitAsRequest(), openapi3.DisableSchemaErrorDetails()); err != nil {
		return nil, err
	}
	return fields, nil
}

// checkSession refuses a call with another session than that of the server. The
// schema has made sure that the fields are there.
func (s *Server) checkSession(fields map[string]any) error {
	given := func(field string) string { text, _ := fields[field].(string); return text }
	want := s.session
	switch {
	case subtle.ConstantTimeCompare([]byte(given("signature")), []byte(want.Signature)) != 1:
		return errors.New("unknown signature")
	case given("kvm_id") != want.KVMID:
		return errors.New("the session is not one for this kvm_id")
	case given("valid_until") != strconv.FormatInt(want.ValidUntil.Unix(), 10):
		return errors.New("valid_until is not that of the session")
	case !time.Now().Before(want.ValidUntil):
		return errors.New("the session has expired")
	}
	return nil
}

func (s *Server) serveSetPTR(fields map[string]any) reply {
	ptrs, err := parsePTRs(fields["ip"].(map[string]any)) // an object, says the schema
	if err != nil {
		return failure(http.StatusBadRequest, "%v", err)
	}
	s.setPTRs(ptrs)
	return success(fmt.Sprintf("%d PTR records set", len(ptrs)))
}

func parsePTRs(object map[string]any) (map[netip.Addr]string, error) {
	ptrs := make(map[netip.Addr]string, len(object))
	for text, value := range object {
		address, err := parseAddress(text)
		if err != nil {
			return nil, err
		}
		if _, twice := ptrs[address]; twice {
			return nil, fmt.Errorf("address %s is given twice", address)
		}
		name := value.(string) // says the schema
		if !hostName.MatchString(name) || len(name) > 253 {
			return nil, fmt.Errorf("%q is not a host name", name)
		}
		ptrs[address] = name
	}
	return ptrs, nil
}

func parseAddress(text string) (netip.Addr, error) {
	address, err := netip.ParseAddr(text)
	if err != nil || address.Zone() != "" {
		return netip.Addr{}, fmt.Errorf("%q is not an IP address", text)
	}
	return address.Unmap(), nil
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\.?$`)
