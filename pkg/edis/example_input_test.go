package edis_test

import (
	"context"
	"fmt"
	"log"
	"net/netip"

	"github.com/edisptr/edis-go/pkg/edis"
)

// One error reports every invalid item, and nothing is sent.
func ExampleInputError() {
	client, err := edis.NewClient(nil)
	if err != nil {
		log.Fatal(err)
	}
	err = client.SetPTR(context.Background(), edis.Session{}, map[netip.Addr]string{
		netip.MustParseAddr("192.0.2.1"): "mail_1.example.com",
		netip.MustParseAddr("224.0.0.1"): "mail.example.com",
	})
	fmt.Println(err)
	// Output:
	// edis: invalid input, nothing sent:
	// "224.0.0.1" for address: multicast address
	// "mail_1.example.com" for 192.0.2.1: underscore in a host name (Options.AllowUnderscore permits it)
	// Session.KVMID: empty
	// Session.Signature: empty
	// Session.ValidUntil: not set
}
