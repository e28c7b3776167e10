package fcrdns_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"github.com/miekg/dns"

	"github.com/edisptr/edis-go/pkg/fcrdns"
)

// Check addresses using a specific DNS server. Pass a nil resolver to use
// net.DefaultResolver.
func ExampleCheck() {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	server := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, query *dns.Msg) {
		_ = w.WriteMsg(respond(parseZone(), query))
	})}
	go func() { _ = server.ActivateAndServe() }()

	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
	results := fcrdns.Check(context.Background(), resolver,
		netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("192.0.2.8"))
	for _, result := range results {
		fmt.Printf("%s %t %q\n", result.Address, result.Confirmed, result.Reason)
	}
	// Output:
	// 192.0.2.1 true ""
	// 192.0.2.2 false "elsewhere.example resolves to 198.51.100.1, 198.51.100.2"
	// 192.0.2.8 false "no PTR record"
}
