package edistest

import (
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/edisptr/edis-go/pkg/internal/canonical"
)

const maxRequestBytes = 256 << 20 // a form of a million records has about 80 MB

func (s *Server) serveHTTP(w http.ResponseWriter, r *http.Request) {
	received := Request{Method: r.Method, Path: r.URL.Path, Header: r.Header}
	called, ok := s.routeAt(received.Path)
	switch {
	case !isLoopback(r.Host): // a web page whose name resolves to this machine
		s.respond(w, received, notOfTheAPI(http.StatusMisdirectedRequest, "the host is %q, not that of this machine", r.Host))
	case !ok:
		s.respond(w, received, notOfTheAPI(http.StatusNotFound, "there is no operation at %q", received.Path))
	case received.Method != called.Method:
		s.respond(w, received, notOfTheAPI(http.StatusMethodNotAllowed, "this path takes %s, not %s", called.Method, received.Method))
	default:
		s.serveCall(w, r, received, called)
	}
}

// routeAt returns the operation that the dialect has at a path.
func (s *Server) routeAt(path string) (called route, ok bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, r := range s.routes {
		if slices.Contains(s.dialect.paths(r.Path), path) {
			return r, true
		}
	}
	return route{}, false
}

// serveCall serves a call of an operation, unless a fault replaces the response.
func (s *Server) serveCall(w http.ResponseWriter, r *http.Request, received Request, called route) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequestBytes))
	if received.Body = string(body); err == nil {
		received.Form, err = parseForm(r.Header, received.Body)
	}
	fault := s.nextFault(called.OperationID, received.Form.Get("kvm_id"))
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

// A response is what is sent over HTTP.
type response struct {
	status      int
	header      http.Header
	contentType string
	body        []byte
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
