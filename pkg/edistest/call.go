package edistest

import (
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
)

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
	if !called.writes {
		return s.list(addresses)
	}
	s.write(addresses, names, fault)
	return s.confirm(called)
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
func (s *Server) confirm(called route) reply {
	body := map[string]any{"status": "success"}
	if text := called.example("message"); text != "" && s.dialect == Documented {
		body["message"] = text
	}
	return reply{http.StatusOK, body}
}

// list replies to a read. Addresses without a record are left out.
func (s *Server) list(addresses []netip.Addr) reply {
	if s.dialect != Documented {
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
