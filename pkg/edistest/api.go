package edistest

import (
	"fmt"
	"io"
	"maps"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json"

	"github.com/edisptr/edis-go/pkg/internal/canonical"
	"github.com/edisptr/edis-go/pkg/internal/contract"
)

// A Request is one request as the API received it.
type Request struct {
	// Method, Path and Header are those of the HTTP request.
	Method, Path string
	Header       http.Header
	// Body is the body as received, secrets included. It is empty if the API does not
	// have the path or the method.
	Body string
	// Form is the decoded Body, or nil if it is not a form.
	Form url.Values
	// Status is the status of the response, or 0 if the connection was broken
	// instead.
	Status int
}

const maxRequestBytes = 256 << 20 // a form of a million records has about 80 MB

// A route is one operation of the API document and how the fake serves it.
type route struct {
	*contract.Operation
	serve   func(*Server, map[string]any) reply // nil for the operations that need a session
	names   func(fields map[string]any) (map[netip.Addr]string, error)
	done    func(*Server, route, []netip.Addr) reply
	writes  bool
	failure func(status int, text string) reply
}

// routes returns the routes of all operations of the document, by path.
func routes(documented map[string]*contract.Operation) map[string]route {
	served := map[string]route{
		"setPTR":            {names: wantedNames, writes: true, done: (*Server).confirm, failure: failureAs("error")},
		"deletePTR":         {names: noNames, writes: true, done: (*Server).confirm, failure: failureAs("message")},
		"getPTR":            {names: noNames, done: (*Server).list, failure: failureAs("error")},
		"createAuthSession": {serve: (*Server).logIn, failure: loginFailure},
	}
	byPath := make(map[string]route)
	for id, operation := range documented {
		r, ok := served[id]
		if !ok {
			panic(fmt.Sprintf("edistest: the API document has an operation %q that the fake does not serve", id))
		}
		r.Operation = operation
		byPath[operation.Path] = r
	}
	return byPath
}

// requestSchema returns the schema of the form.
func (r route) requestSchema() *openapi3.Schema {
	return r.RequestBody.Value.Content[contract.FormContentType].Schema.Value
}

// example returns the documented example of a field of a success, or an empty string
// if there is none.
func (r route) example(field string) string {
	schema := r.Responses.Status(http.StatusOK).Value.Content[contract.JSONContentType].Schema.Value
	if schema.Properties[field] == nil {
		return ""
	}
	example, _ := schema.Properties[field].Value.Example.(string)
	return example
}

// A reply is a response before it is encoded.
type reply struct {
	status int
	body   map[string]any
}

// failureAs returns a function that makes the reply to a failed request. The document has
// two names for the field of its text.
func failureAs(field string) func(int, string) reply {
	return func(status int, text string) reply {
		return reply{status, map[string]any{"status": "error", field: text}}
	}
}

// A response is what is sent over HTTP.
type response struct {
	status      int
	header      http.Header
	contentType string
	body        []byte
}

func (s *Server) serveHTTP(w http.ResponseWriter, r *http.Request) {
	received := Request{Method: r.Method, Path: r.URL.Path, Header: r.Header}
	called, ok := s.routes[received.Path]
	switch {
	case !isLoopback(r.Host): // a web page whose name resolves to this machine
		s.respond(w, received, notOfTheAPI(http.StatusMisdirectedRequest, "the host is %q, not that of this machine", r.Host))
		return
	case !ok:
		s.respond(w, received, notOfTheAPI(http.StatusNotFound, "the API document has no path %q", received.Path))
		return
	case received.Method != called.Method:
		s.respond(w, received, notOfTheAPI(http.StatusMethodNotAllowed, "this path takes %s, not %s", called.Method, received.Method))
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequestBytes))
	if received.Body = string(body); err == nil {
		received.Form, err = parseForm(r.Header, received.Body)
	}
	fault := s.nextFault(called.OperationID)
	fault.wait(r)
	usual, dialect := s.handle(called, received.Form, err, fault)
	switch {
	case fault.Drop || fault.Reset:
		s.keep(received)
		fault.breakConnection(w)
	case fault.replacesResponse():
		s.respond(w, received, fault.response(called))
	default:
		s.respond(w, received, dialect.spell(called.response(usual)))
	}
}

// isLoopback reports whether the host of a request is a name or an address of this
// machine.
func isLoopback(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	return canonical.IsLoopback(strings.Trim(name, "[]"))
}

// notOfTheAPI is the response to a request that is not one of the API.
func notOfTheAPI(status int, format string, args ...any) response {
	return response{status: status, contentType: "text/plain; charset=utf-8", body: fmt.Appendf(nil, "edistest: "+format+"\n", args...)}
}

// respond keeps the request before it sends the response: a test that has the response
// must find the request.
func (s *Server) respond(w http.ResponseWriter, received Request, sent response) {
	received.Status = sent.status
	s.keep(received)
	maps.Copy(w.Header(), sent.header)
	w.Header().Set("Content-Type", sent.contentType)
	w.WriteHeader(sent.status)
	_, _ = w.Write(sent.body) // ignore: the client disconnected
}

func (s *Server) keep(received Request) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.requests = append(s.requests, received)
}

// handle checks a call against the schema, and carries it out.
func (s *Server) handle(called route, form url.Values, formErr error, fault Fault) (reply, Dialect) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if formErr != nil {
		return called.failure(http.StatusBadRequest, formErr.Error()), s.dialect
	}
	fields, err := decodeFields(called.requestSchema(), form)
	if err != nil {
		return called.failure(http.StatusBadRequest, err.Error()), s.dialect
	}
	return s.carryOut(called, fields, fault), s.dialect
}

// carryOut checks the session of a call, and carries it out as far as the fault permits.
func (s *Server) carryOut(called route, fields map[string]any, fault Fault) reply {
	if called.serve != nil {
		return called.serve(s, fields)
	}
	session, err := s.sessionOf(fields)
	if err != nil {
		return called.failure(http.StatusUnauthorized, err.Error())
	}
	names, err := called.names(fields)
	if err != nil {
		return called.failure(http.StatusBadRequest, err.Error())
	}
	addresses := slices.SortedFunc(maps.Keys(names), netip.Addr.Compare)
	if len(addresses) == 0 { // the schema permits it for a read
		addresses = s.addressesOf(session.KVMID)
	}
	for _, address := range addresses {
		if !s.owns(session.KVMID, address) {
			return called.failure(http.StatusBadRequest, fmt.Sprintf("%s is not an address of %s", address, session.KVMID))
		}
	}
	if called.writes {
		s.write(addresses, names, fault)
	}
	return called.done(s, called, addresses)
}

// addressesOf returns the addresses of a KVM server that have, or had, a record.
func (s *Server) addressesOf(kvmID string) (addresses []netip.Addr) {
	for address := range s.records.entries {
		if s.owns(kvmID, address) {
			addresses = append(addresses, address)
		}
	}
	slices.SortFunc(addresses, netip.Addr.Compare)
	return addresses
}

// write sets the records of the addresses, or as many of them as the fault permits.
// An empty name removes the record.
func (s *Server) write(addresses []netip.Addr, names map[netip.Addr]string, fault Fault) {
	if fault.replacesResponse() && fault.Apply >= 0 {
		addresses = addresses[:min(fault.Apply, len(addresses))]
	}
	now := s.now()
	for _, address := range addresses {
		s.records.set(address, names[address], now)
	}
}

// confirm replies to a write with the documented text, if there is one.
func (s *Server) confirm(called route, _ []netip.Addr) reply {
	body := map[string]any{"status": "success"}
	if text := called.example("message"); text != "" && s.dialect == Documented {
		body["message"] = text
	}
	return reply{http.StatusOK, body}
}

// list replies to a read. Addresses without a record are left out.
func (s *Server) list(_ route, addresses []netip.Addr) reply {
	if s.dialect == Recorded {
		return s.listRecorded(addresses)
	}
	now, list := s.now(), []any{}
	for _, address := range addresses {
		if name := s.records.shown(address, now); name != "" {
			list = append(list, map[string]any{"ip": address.String(), "ptr_record": name})
		}
	}
	return reply{http.StatusOK, map[string]any{"status": "success", "records": list}}
}

// response encodes a reply and validates it against the document.
func (r route) response(usual reply) response {
	body := encode(usual)
	if _, err := r.ValidateResponse(usual.status, body); err != nil {
		return r.response(r.failure(http.StatusInternalServerError, "the response would not match the document: "+err.Error()))
	}
	return response{status: usual.status, contentType: contract.JSONContentType, body: body}
}

func encode(r reply) []byte {
	body, err := json.Marshal(r.body, json.Deterministic(true))
	if err != nil {
		panic(fmt.Sprintf("edistest: a map of strings does not marshal: %v", err))
	}
	return body
}

// parseForm decodes a form in which each field occurs once.
func parseForm(header http.Header, body string) (url.Values, error) {
	if mediaType, _, err := mime.ParseMediaType(header.Get("Content-Type")); err != nil || mediaType != contract.FormContentType {
		return nil, fmt.Errorf("the content type is %q, not %s", header.Get("Content-Type"), contract.FormContentType)
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

// decodeFields decodes the form into the value that the request schema describes:
// everything but a string is JSON text.
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

// wantedNames reads the field ip of setPTR.
func wantedNames(fields map[string]any) (map[netip.Addr]string, error) {
	ptrs := make(map[netip.Addr]string)
	for text, value := range fields["ip"].(map[string]any) { // as the schema says
		address, err := parseAddress(text, ptrs)
		if err != nil {
			return nil, err
		}
		name, err := canonical.Name(value.(string), true)
		if err != nil {
			return nil, fmt.Errorf("host name %q for %s: %w", value, address, err)
		}
		ptrs[address] = name
	}
	return ptrs, nil
}

// noNames reads the field ip of deletePTR and getPTR.
func noNames(fields map[string]any) (map[netip.Addr]string, error) {
	ptrs := make(map[netip.Addr]string)
	for _, value := range fields["ip"].([]any) { // as the schema says
		address, err := parseAddress(value.(string), ptrs)
		if err != nil {
			return nil, err
		}
		ptrs[address] = ""
	}
	return ptrs, nil
}

func parseAddress(text string, given map[netip.Addr]string) (netip.Addr, error) {
	address, err := netip.ParseAddr(text)
	if err != nil || address.Zone() != "" {
		return netip.Addr{}, fmt.Errorf("%q is not an IP address", text)
	}
	address = address.Unmap()
	if _, duplicate := given[address]; duplicate {
		return netip.Addr{}, fmt.Errorf("duplicate address %s", address)
	}
	return address, nil
}
