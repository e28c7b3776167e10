package edis_test

import (
	"context"
	"errors"
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
		netip.MustParseAddr("192.0.2.1"): "*.example.com",
		netip.MustParseAddr("224.0.0.1"): "mail.example.com",
	})
	fmt.Println(err)
	var invalid *edis.InputError // the first of them
	if errors.As(err, &invalid) {
		fmt.Println(invalid.Field, invalid.Value)
	}
	// Output:
	// edis: setPTR: 192.0.2.1: "*.example.com" has the character '*'; a host name has only letters, digits, hyphens and dots; Session.KVMID is empty; Session.Signature is empty; Session.ValidUntil is not set; address: "224.0.0.1" is a multicast address; not sent, nothing changed
	// 192.0.2.1 *.example.com
}
