package edis_test

import (
	"context"
	"fmt"
	"log"
	"net/netip"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/edistest"
)

func Example() {
	server := edistest.NewServer() // a fake EDIS on this machine, to try this out
	defer server.Close()

	// With nil instead of options, the client calls the real service.
	client, err := edis.NewClient(server.Options())
	if err != nil {
		log.Fatal(err)
	}
	account := client.Account(server.Credentials()) // yours, for the real service

	err = client.SetPTR(context.Background(), account, map[netip.Addr]string{
		netip.MustParseAddr("192.0.2.10"):   "mail.example.com",
		netip.MustParseAddr("2001:db8::10"): "mail.example.com",
	})
	switch edis.OutcomeOf(err) {
	case edis.OutcomeDone:
		fmt.Println("set, and confirmed by a valid response")
	case edis.OutcomeNotSent, edis.OutcomeUnchanged:
		fmt.Println("nothing changed:", err)
	default:
		fmt.Println("some records may have changed; read them back:", err)
	}
	// Output: set, and confirmed by a valid response
}
