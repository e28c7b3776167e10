package edis_test

import (
	"context"
	"fmt"
	"log"
	"net/netip"
	"os"

	"github.com/edisptr/edis-go/pkg/edis"
)

// The real service, with the login of the customer portal. It is compiled but not run.
func Example_realService() {
	ctx := context.Background()
	email, password := os.Getenv("EDIS_EMAIL"), edis.Secret(os.Getenv("EDIS_PASSWORD"))

	client, err := edis.NewClient(nil)
	if err != nil {
		log.Fatal(err)
	}
	account := client.Account(edis.Credentials{Email: email, Password: password})
	err = client.SetPTR(ctx, account, map[netip.Addr]string{
		netip.MustParseAddr("192.0.2.10"):   "mail.example.com",
		netip.MustParseAddr("2001:db8::10"): "mail.example.com",
	})
	switch edis.OutcomeOf(err) {
	case edis.OutcomeDone:
		fmt.Println("confirmed by a valid response")
	case edis.OutcomeNotSent, edis.OutcomeUnchanged:
		fmt.Println("nothing changed:", err)
	default:
		fmt.Println("the records may have changed; read them back:", err)
	}
}
