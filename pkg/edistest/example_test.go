package edistest_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/netip"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/edistest"
)

// Set a record through the API, and ask the DNS for it.
func Example() {
	server := edistest.NewServer()
	defer server.Close()

	client, err := edis.NewClient(&edis.Options{RDNSURL: server.URL})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	err = client.SetPTR(ctx, edis.Session(server.Session()), map[netip.Addr]string{
		netip.MustParseAddr("192.0.2.10"): "mail.example.com",
	})
	if err != nil {
		log.Fatal(err)
	}
	resolver := &net.Resolver{
		PreferGo: true,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, server.DNSAddr)
		},
	}
	names, err := resolver.LookupAddr(ctx, "192.0.2.10")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(names)
	fmt.Println(server.Requests()[0].Form.Get("ip"))
	// Output:
	// [mail.example.com.]
	// {"192.0.2.10":"mail.example.com"}
}
