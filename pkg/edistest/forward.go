package edistest

import (
	"net/netip"
	"slices"
)

// SetForwardRecords sets whether the DNS server also serves the forward records of the
// PTR records: an A or AAAA record at each name that a PTR record points to, with the
// address of that record. A test whose PTR records must be forward-confirmed, for example
// by package fcrdns, calls SetForwardRecords(true). Without it, only the names of
// [Server.AddHost] have addresses.
//
// The forward records follow the PTR records, those of the past included: they appear and
// disappear with them, also after a lag. They are in addition to those of AddHost.
func (s *Server) SetForwardRecords(on bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.records.forward = on
}

// hostAddresses returns the addresses of a host, sorted, without duplicates.
func (s *Server) hostAddresses(host string) []netip.Addr {
	addresses := append(s.forwardRecords(host), s.hosts[host]...)
	for i, address := range addresses {
		addresses[i] = address.Unmap()
	}
	slices.SortFunc(addresses, netip.Addr.Compare)
	return slices.Compact(addresses)
}

// forwardRecords returns the addresses whose PTR records point to host.
func (s *Server) forwardRecords(host string) (addresses []netip.Addr) {
	if !s.records.forward {
		return nil
	}
	for _, address := range s.records.named[host] {
		if s.records.shown(address, s.now())+"." == host {
			addresses = append(addresses, address)
		}
	}
	return addresses
}

func (s *Server) hasForwardRecordsBelow(key string) bool {
	if !s.records.forward {
		return false
	}
	for host := range s.records.named {
		if isBelow(host, key) && len(s.forwardRecords(host)) > 0 {
			return true
		}
	}
	return false
}
