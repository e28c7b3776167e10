package edistest

import (
	"net/netip"
	"slices"
)

// SetForwardRecords sets whether the DNS server also serves forward records for the PTR
// records. Each name that a PTR record points to then has an A or AAAA record with the
// address of that PTR record. Tests that need forward-confirmed PTR records, for example
// with package fcrdns, call SetForwardRecords(true). Without it, only the names of
// [Server.AddHost] have addresses.
//
// Forward records also exist for PTR records that were set before the call. They appear
// and disappear with the PTR records, with the same lag. They are in addition to those of
// AddHost.
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
