package edistest

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// addresses returns the addresses of a host in the DNS, and the code of the response for
// its A records.
func addresses(t *testing.T, s *Server, host string) (found []string, rcode int) {
	t.Helper()
	for _, recordType := range []uint16{dns.TypeAAAA, dns.TypeA} {
		response := query(t, s, "udp", host, recordType)
		for _, record := range response.Answer {
			found = append(found, record.String()[len(record.Header().String()):])
		}
		rcode = response.Rcode
	}
	return found, rcode
}

func wantAddresses(t *testing.T, s *Server, host string, want ...string) {
	t.Helper()
	if got, _ := addresses(t, s, host); !slices.Equal(got, want) {
		t.Errorf("addresses of %s = %v, want %v", host, got, want)
	}
}

func TestForwardRecords(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.SetPTRs(map[netip.Addr]string{
		netip.MustParseAddr("192.0.2.11"):   "mail.example.com",
		netip.MustParseAddr("192.0.2.10"):   "mail.example.com",
		netip.MustParseAddr("2001:db8::10"): "Mail.example.com.",
		netip.MustParseAddr("192.0.2.12"):   "www.example.com",
	})
	wantAddresses(t, s, "mail.example.com.") // only for tests that ask for them
	if _, rcode := addresses(t, s, "example.com."); rcode != dns.RcodeNameError {
		t.Errorf("example.com without forward records: rcode %s, want NXDOMAIN", dns.RcodeToString[rcode])
	}

	s.SetForwardRecords(true)
	wantAddresses(t, s, "mail.example.com.", "2001:db8::10", "192.0.2.10", "192.0.2.11")
	wantAddresses(t, s, "WWW.example.com.", "192.0.2.12")
	if got, rcode := addresses(t, s, "example.com."); len(got) != 0 || rcode != dns.RcodeSuccess {
		t.Errorf("example.com = %v, %s, want no data, because there are names below it", got, dns.RcodeToString[rcode])
	}

	s.SetForwardRecords(false)
	wantAddresses(t, s, "mail.example.com.")
}

// The records of AddHost remain, without duplicates.
func TestForwardRecordsBesideHosts(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.SetForwardRecords(true)
	s.AddHost("mail.example.com", netip.MustParseAddr("192.0.2.20"), netip.MustParseAddr("192.0.2.20"), netip.MustParseAddr("::ffff:192.0.2.10"))
	s.SetPTRs(map[netip.Addr]string{netip.MustParseAddr("192.0.2.10"): "mail.example.com"})
	s.AddHost("www.example.com", netip.MustParseAddr("192.0.2.30"), netip.MustParseAddr("192.0.2.30"))
	for range 2 { // a query changes nothing
		wantAddresses(t, s, "mail.example.com.", "192.0.2.10", "192.0.2.20")
		wantAddresses(t, s, "www.example.com.", "192.0.2.30")
	}
}

// A forward record follows its PTR record: when it is renamed, removed or set again, and
// only after the lag.
func TestForwardRecordsFollowPTRs(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	address, now := netip.MustParseAddr("192.0.2.10"), time.Now()
	s.SetForwardRecords(true)
	s.SetPTRs(map[netip.Addr]string{address: "old.example.com"})
	s.SetLag(time.Minute)
	set := func(name string) {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		s.records.set(address, name, s.now())
	}
	setClock := func(minutes time.Duration) {
		s.SetClock(func() time.Time { return now.Add(minutes * time.Minute) })
	}

	setClock(0)
	set("new.example.com")
	wantAddresses(t, s, "old.example.com.", "192.0.2.10")
	wantAddresses(t, s, "new.example.com.")
	setClock(1)
	wantAddresses(t, s, "old.example.com.")
	wantAddresses(t, s, "new.example.com.", "192.0.2.10")

	set("")
	setClock(2)
	for _, host := range []string{"new.example.com.", "example.com."} {
		if got, rcode := addresses(t, s, host); len(got) != 0 || rcode != dns.RcodeNameError {
			t.Errorf("%s after the PTR record was removed = %v, %s, want NXDOMAIN", host, got, dns.RcodeToString[rcode])
		}
	}
	wantAddresses(t, s, ".")

	set("old.example.com")
	setClock(3)
	wantAddresses(t, s, "old.example.com.", "192.0.2.10")
}
