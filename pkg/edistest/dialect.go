package edistest

import (
	"bytes"
	"net/http"
	"net/netip"

	"github.com/edisptr/edis-go/pkg/internal/canonical"
)

// A Dialect is the form of the responses.
type Dialect int

const (
	// Documented is the form of the API document. It is the default.
	Documented Dialect = iota
	// Recorded is the form of responses that the provider once published: getPTR has a
	// map in data.ptr, in which the reverse name of an address stands for no record, and
	// a write has no message. It also has the quirks of PHP that such a service may have:
	// an empty map is a list, slashes are escaped, and the content type is that of HTML.
	Recorded
)

// SetDialect sets the form of all responses from now on, except those of a [Fault].
func (s *Server) SetDialect(dialect Dialect) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.dialect = dialect
}

// listRecorded replies to a read in the form of [Recorded].
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
	if d == Recorded {
		r.contentType = "text/html; charset=UTF-8"
		r.body = bytes.ReplaceAll(r.body, []byte("{}"), []byte("[]")) // no text of the service has braces
		r.body = bytes.ReplaceAll(r.body, []byte("/"), []byte(`\/`))  // in texts only, and none is escaped
	}
	return r
}
