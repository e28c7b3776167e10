package edistest

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/edisptr/edis-go/pkg/internal/contract"
)

// A Fault is a way in which a call fails. If only Delay is set, the call is late but
// otherwise served as usual. If only Status is set, the body is that of a documented
// failure. If only Body is set, the status is 200.
type Fault struct {
	// KVMID limits the fault to calls for this KVM server. A login is for a server only
	// if it names one. By default the fault is for all calls.
	KVMID string

	// Delay is the time before the response. It ends early if the client disconnects.
	Delay time.Duration

	// Apply is the number of records that the call writes or removes before it fails, in
	// the order of their addresses. If it is negative, the call writes or removes all.
	Apply int

	// Drop closes the connection instead of sending a response. Reset aborts it (TCP
	// RST).
	Drop, Reset bool

	// Status, Header and Body are the response, sent as they are, documented or not. The
	// default Content-Type is JSON.
	Status int
	Header http.Header
	Body   string
}

// An injectedFault is a fault that waits for a call.
type injectedFault struct {
	Fault
	operation string
	stands    bool // until it is removed, not for one call
	met       bool
}

// Fail makes the next calls of an operation ([SetPTR], [GetPTR], [DeletePTR] or [Login])
// fail, one call per fault. The faults come in the given order, after the faults of
// earlier calls of Fail. A fault that is limited to one KVM server stays until a call for
// that server. Fail panics if the API has no such operation, or no account has such a
// server.
func (s *Server) Fail(operation string, faults ...Fault) {
	for _, fault := range faults {
		s.inject(&injectedFault{Fault: fault, operation: operation})
	}
}

// FailAlways makes every call of an operation fail until remove is called. Calling remove
// more than once does no harm. The faults of [Server.Fail] come first. If several faults
// of FailAlways apply, the call meets the one that was added last. FailAlways panics as
// Fail does.
func (s *Server) FailAlways(operation string, fault Fault) (remove func()) {
	standing := &injectedFault{Fault: fault, operation: operation, stands: true}
	s.inject(standing)
	return func() {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		s.faults = slices.DeleteFunc(s.faults, func(f *injectedFault) bool { return f == standing })
	}
}

// inject adds a fault, unless no call could meet it.
func (s *Server) inject(fault *injectedFault) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if _, ok := s.routes[fault.operation]; !ok {
		panic(fmt.Sprintf("edistest: Fail of %q, which is not an operation of the API", fault.operation))
	}
	if fault.KVMID != "" {
		s.mustKnow(fault.KVMID, "Fail")
	}
	fault.Header = fault.Header.Clone()
	s.faults = append(s.faults, fault)
}

// UnusedFaults returns the faults that no call has met yet, by operation, except those
// that were removed. If any are left at the end of a test, it did not test what it says.
func (s *Server) UnusedFaults() map[string][]Fault {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	unused := make(map[string][]Fault)
	for _, f := range s.faults {
		if !f.met {
			fault := f.Fault
			fault.Header = fault.Header.Clone()
			unused[f.operation] = append(unused[f.operation], fault)
		}
	}
	return unused
}

// nextFault returns the fault for this call, or one with only the usual delay.
func (s *Server) nextFault(operation, kvmID string) Fault {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	next := Fault{}
	if i := s.faultFor(operation, kvmID); i >= 0 {
		injected := s.faults[i]
		next, injected.met = injected.Fault, true
		if !injected.stands {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
	}
	next.Delay += s.delay
	return next
}

// faultFor returns the index of the fault that a call meets, or -1 if there is none.
func (s *Server) faultFor(operation, kvmID string) (index int) {
	index = -1
	for i, f := range s.faults {
		switch {
		case f.operation != operation || f.KVMID != "" && f.KVMID != kvmID:
		case !f.stands:
			return i
		default:
			index = i
		}
	}
	return index
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
	if abortable, ok := conn.(interface{ SetLinger(seconds int) error }); ok && f.Reset {
		_ = abortable.SetLinger(0)
	}
	_ = conn.Close()
}
