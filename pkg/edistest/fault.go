package edistest

import (
	"cmp"
	"net"
	"net/http"
	"time"
)

// A Fault is how a call goes wrong. With none but Delay set, the call is late
// and otherwise served as usual.
type Fault struct {
	// Delay passes before anything is answered, unless the client goes first.
	Delay time.Duration

	// Apply is how many records of the call are written or removed before it
	// fails, in the order of their addresses; negative means all.
	Apply int

	// Drop closes the connection in place of an answer, and Reset aborts it (TCP
	// RST).
	Drop, Reset bool

	// Status, Header and Body are the answer, sent as they are, documented or
	// not. A Status alone has the documented body of a failure, and JSON is the
	// default Content-Type; a Body alone has status 200.
	Status int
	Header http.Header
	Body   string
}

// Fail makes the next calls of an operation ("setPTR", "getPTR", "deletePTR" or
// "createAuthSession") go wrong, one call for each fault, in this order, and
// after those of earlier Fails.
func (s *Server) Fail(operation string, faults ...Fault) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.faults[operation] = append(s.faults[operation], faults...)
}

// nextFault returns the fault of this call; the zero Fault is none.
func (s *Server) nextFault(operation string) Fault {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	faults := s.faults[operation]
	if len(faults) == 0 {
		return Fault{}
	}
	s.faults[operation] = faults[1:]
	return faults[0]
}

// answers tells whether the fault takes the place of the usual answer.
func (f Fault) answers() bool { return f.Drop || f.Reset || f.Status != 0 || f.Body != "" }

// wait lets the delay pass.
func (f Fault) wait(r *http.Request) {
	if f.Delay <= 0 {
		return
	}
	select {
	case <-time.After(f.Delay):
	case <-r.Context().Done():
	}
}

// response makes the answer of the fault.
func (f Fault) response(served route) response {
	status := cmp.Or(f.Status, http.StatusOK)
	answer := response{status: status, contentType: jsonContentType, body: []byte(f.Body), header: f.Header}
	if f.Body == "" {
		answer.body = encode(served.failure(status, "injected fault"))
	}
	if contentType := f.Header.Get("Content-Type"); contentType != "" {
		answer.contentType = contentType
	}
	return answer
}

// breakConnection ends the connection without an answer.
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
