package edistest

import (
	"bytes"
	"net/http"
	"net/netip"
	"strings"

	"github.com/edisptr/edis-go/pkg/internal/canonical"
)

// A Dialect is the form of the responses of the service, and of the paths at which it
// serves the operations for PTR records. A login has the same path in all dialects.
type Dialect int

const (
	// Documented is the form of the API document. It is the default.
	Documented Dialect = iota

	// Recorded is the form of responses that the provider once published. The response to
	// getPTR has a map in data.ptr, in which the reverse name of an address stands for no
	// record. The response to a write has no message. Recorded also has quirks of PHP
	// that such a service may have. An empty map is a list, slashes are escaped, and the
	// content type is that of HTML.
	//
	// The operations are served at the documented paths, such as /set/ptr, and also at
	// the recorded ones, such as /kvm/v2/set/ptr. A client reaches the latter with the
	// base URL Server.URL + "/kvm/v2".
	Recorded

	// RecordedOnly is Recorded without the documented paths, which get status 404.
	RecordedOnly
)

// recordedBase is what the recorded paths have before the documented ones. The documented
// path of a login has it too.
const recordedBase = "/kvm/v2"

// paths returns where the service has an operation, given its path in the API document.
func (d Dialect) paths(documented string) []string {
	if d == Documented {
		return []string{documented}
	}
	recorded := recordedBase + strings.TrimPrefix(documented, recordedBase)
	if d == RecordedOnly {
		return []string{recorded}
	}
	return []string{documented, recorded}
}

// SetDialect sets the form of the service from now on. A [Fault] is sent as it is in all
// dialects.
func (s *Server) SetDialect(dialect Dialect) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.dialect = dialect
}

// listRecorded replies to a read in the recorded form.
func (s *Server) listRecorded(addresses []netip.Addr) reply {
	now, names := s.now(), make(map[string]any)
	for _, address := range addresses {
		name := s.records.shown(address, now)
		if name == "" {
			name = canonical.ReverseName(address)
		}
		names[address.String()] = name
	}
	return reply{http.StatusOK, map[string]any{"status": "success", "data": map[string]any{"ptr": names}}}
}

// spell gives a response the quirks of the dialect.
func (d Dialect) spell(r response) response {
	if d != Documented {
		r.contentType = "text/html; charset=UTF-8"
		r.body = bytes.ReplaceAll(r.body, []byte("{}"), []byte("[]")) // no text of the service has braces
		r.body = bytes.ReplaceAll(r.body, []byte("/"), []byte(`\/`))  // in texts only, and none is escaped
	}
	return r
}
