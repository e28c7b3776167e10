package fcrdns_test

import (
	"context"
	"fmt"
	"log"
	"net/netip"

	"github.com/edisptr/edis-go/pkg/edistest"
	"github.com/edisptr/edis-go/pkg/fcrdns"
)

// A monitor checks addresses. It raises an alarm at once for an address that is not
// confirmed. For an address that could not be checked, it waits several rounds, since a
// DNS server may be down for a moment.
type monitor struct {
	client    *fcrdns.DNSClient
	addresses []netip.Addr
	undecided map[netip.Addr]int // rounds in a row
}

// round checks all addresses once and returns the alarms.
func (m *monitor) round(ctx context.Context) (alarms []string) {
	const patience = 3
	for _, result := range fcrdns.Check(ctx, m.client, m.addresses...) {
		switch result.Verdict {
		case fcrdns.Confirmed:
			m.undecided[result.Address] = 0
		case fcrdns.NotConfirmed:
			alarms = append(alarms, fmt.Sprintf("%s: %s", result.Address, result.Reason))
		case fcrdns.Undecided:
			if m.undecided[result.Address]++; m.undecided[result.Address] >= patience {
				alarms = append(alarms, fmt.Sprintf("%s: %s", result.Address, result.Reason))
			}
		}
	}
	return alarms
}

// Monitor the reverse DNS of mail servers.
func ExampleCheck_monitor() {
	server := edistest.NewServer() // in place of the DNS
	defer server.Close()
	server.SetForwardRecords(true)
	mail, web := netip.MustParseAddr("192.0.2.10"), netip.MustParseAddr("192.0.2.11")
	server.SetPTRs(map[netip.Addr]string{mail: "mail.example.com"})
	client, err := fcrdns.NewDNSClient(server.DNSAddr)
	if err != nil {
		log.Fatal(err)
	}
	m := &monitor{client, []netip.Addr{mail, web}, make(map[netip.Addr]int)}
	for _, alarm := range m.round(context.Background()) { // every five minutes, for example
		fmt.Println(alarm)
	}
	// Output: 192.0.2.11: no PTR record
}
