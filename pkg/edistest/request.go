package edistest

import (
	"net/http"
	"net/url"
	"slices"
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
	// Status is the status of the response, or 0 if the connection was broken instead.
	Status int
}

// Requests returns the requests that the API received, in the order in which they
// were completed. The server keeps all of them, with their bodies, until it is closed.
func (s *Server) Requests() []Request {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	requests := slices.Clone(s.requests)
	for i, r := range requests {
		requests[i].Header = r.Header.Clone()
		requests[i].Form = url.Values(http.Header(r.Form).Clone())
	}
	return requests
}

func (s *Server) keep(received Request) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.requests = append(s.requests, received)
}
