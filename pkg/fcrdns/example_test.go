package fcrdns_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"github.com/miekg/dns"

	"github.com/edisptr/edis-go/pkg/fcrdns"
)

// Check addresses using a specific DNS server. Pass a nil client to use the DNS servers
// of the system.
func ExampleCheck() {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	go func() { _ = (&dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(serveZone)}).ActivateAndServe() }()

	client, err := fcrdns.NewDNSClient(conn.LocalAddr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	results := fcrdns.Check(context.Background(), client,
		netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("192.0.2.8"))
	for _, result := range results {
		fmt.Printf("%s: %v %q\n", result.Address, result.Verdict, result.Reason)
	}
	// Output:
	// 192.0.2.1: confirmed ""
	// 192.0.2.2: not confirmed "elsewhere.example resolves to 198.51.100.1, 198.51.100.2"
	// 192.0.2.8: not confirmed "no PTR record"
}
