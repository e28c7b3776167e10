package edistest

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"net/http"
	"time"

	"github.com/edisptr/edis-go/pkg/internal/contract"
)

// A Fault is a way in which a call fails. If only Delay is set, the call is late but
// otherwise served as usual.
type Fault struct {
	// Delay is the time before the response; it ends early if the client disconnects.
	Delay time.Duration

	// Apply is the number of records that the call writes or removes before it
	// fails, in the order of their addresses. Negative means all.
	Apply int

	// Drop closes the connection instead of sending a response; Reset aborts it
	// (TCP RST).
	Drop, Reset bool

	// Status, Header and Body are the response, sent as they are, documented or not. With
	// only a Status, the body is that of a documented failure; with only a Body, the
	// status is 200. The default Content-Type is JSON.
	Status int
	Header http.Header
	Body   string
}

// Fail makes the next calls of an operation ("setPTR", "getPTR", "deletePTR" or
// "createAuthSession") fail, one call per fault, in this order and after the faults of
// earlier calls of Fail. It panics if the API has no such operation.
func (s *Server) Fail(operation string, faults ...Fault) {
	if _, ok := s.routes[operation]; !ok {
		panic(fmt.Sprintf("edistest: Fail of %q, which is not an operation of the API", operation))
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.faults[operation] = append(s.faults[operation], faults...)
}

// UnusedFaults returns the faults that no call has met yet, by operation. If any are left
// at the end of a test, it did not test what it says.
func (s *Server) UnusedFaults() map[string][]Fault {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	unused := maps.Clone(s.faults)
	maps.DeleteFunc(unused, func(_ string, faults []Fault) bool { return len(faults) == 0 })
	return unused
}

// nextFault returns the fault for this call, or one with only the usual delay.
func (s *Server) nextFault(operation string) Fault {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	faults := s.faults[operation]
	if len(faults) == 0 {
		return Fault{Delay: s.delay}
	}
	s.faults[operation] = faults[1:]
	next := faults[0]
	next.Delay += s.delay
	return next
}

// replacesResponse reports whether the fault replaces the usual response.
func (f Fault) replacesResponse() bool { return f.Drop || f.Reset || f.Status != 0 || f.Body != "" }

// wait waits for the delay.
func (f Fault) wait(r *http.Request) {
	if f.Delay <= 0 {
		return
	}
	select {
	case <-time.After(f.Delay):
	case <-r.Context().Done():
	}
}

// response returns the response of the fault.
func (f Fault) response(served route) response {
	status := cmp.Or(f.Status, http.StatusOK)
	faulty := response{status: status, contentType: contract.JSONContentType, body: []byte(f.Body), header: f.Header}
	if f.Body == "" {
		faulty.body = encode(served.failure(status, "injected fault"))
	}
	if contentType := f.Header.Get("Content-Type"); contentType != "" {
		faulty.contentType = contentType
	}
	return faulty
}

// breakConnection ends the connection without a response.
func (f Fault) breakConnection(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2: the stream ends all the same
	}
	if tcp, ok := conn.(*net.TCPConn); ok && f.Reset {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
