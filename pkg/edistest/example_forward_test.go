package edistest_test

import (
	"context"
	"fmt"
	"log"

	"github.com/edisptr/edis-go/pkg/edistest"
	"github.com/edisptr/edis-go/pkg/fcrdns"
)

// A record that is set through the API is forward-confirmed.
func ExampleServer_SetForwardRecords() {
	server := edistest.NewServer()
	defer server.Close()
	server.SetForwardRecords(true)
	if err := setMail(context.Background(), server); err != nil {
		log.Fatal(err)
	}
	client, err := fcrdns.NewDNSClient(server.DNSAddr)
	if err != nil {
		log.Fatal(err)
	}
	for _, result := range fcrdns.Check(context.Background(), client, mail) {
		fmt.Println(result.Address, result.Names[0].Host, result.Verdict)
	}
	// Output: 192.0.2.10 mail.example.com confirmed
}
