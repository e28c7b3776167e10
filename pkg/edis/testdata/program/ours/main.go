// Command ours makes the calls of package edis. It is built to see its size.
package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"

	"github.com/edisptr/edis-go/pkg/edis"
)

func main() {
	fmt.Println(run(context.Background(), netip.MustParseAddr("192.0.2.10")))
}

func run(ctx context.Context, address netip.Addr) error {
	client, err := edis.NewClient(nil)
	if err != nil {
		return err
	}
	source := client.LoginSource(edis.Credentials{Email: os.Args[1], Password: os.Args[2]})
	if err := client.SetPTR(ctx, source, map[netip.Addr]string{address: "mail.example.com"}); err != nil {
		return err
	}
	if _, err := client.GetPTR(ctx, source, address); err != nil {
		return err
	}
	return client.DeletePTR(ctx, source, address)
}
