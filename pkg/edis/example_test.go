package edis_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/netip"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/edistest"
)

func Example() {
	server := edistest.NewServer() // a fake EDIS on this machine, for trying this out
	defer server.Close()

	client, err := edis.NewClient(&edis.Options{RDNSURL: server.URL}) // nil options: the real one
	if err != nil {
		log.Fatal(err)
	}
	session := edis.Session(server.Session()) // or the fields that the EDIS API handed out

	err = client.SetPTR(context.Background(), session, map[netip.Addr]string{
		netip.MustParseAddr("192.0.2.10"):   "mail.example.com",
		netip.MustParseAddr("2001:db8::10"): "mail.example.com",
	})
	switch {
	case err == nil:
		fmt.Println("set, and confirmed by a valid answer")
	case errors.Is(err, edis.ErrOutcomeUnknown):
		fmt.Println("some records may have changed; make the call again:", err)
	default:
		fmt.Println("nothing has changed:", err)
	}
	// Output: set, and confirmed by a valid answer
}
