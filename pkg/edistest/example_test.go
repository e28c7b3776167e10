package edistest_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/edistest"
)

// This example sets a record through the API and looks it up in the DNS.
func Example() {
	server := edistest.NewServer()
	defer server.Close()
	ctx := context.Background()
	if err := setMail(ctx, server); err != nil {
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

var mail = netip.MustParseAddr("192.0.2.10")

// setMail is the code under test. It sets one record.
func setMail(ctx context.Context, server *edistest.Server) error {
	client, err := edis.NewClient(&edis.Options{RDNSURL: server.URL})
	if err != nil {
		return err
	}
	return client.SetPTR(ctx, server.Session(), map[netip.Addr]string{mail: "mail.example.com"})
}

// A unit test of code that uses the API.
func Example_unitTest() {
	testSetMail := func(t *testing.T) {
		t.Parallel()
		server := edistest.NewServer()
		t.Cleanup(server.Close)
		if err := setMail(t.Context(), server); err != nil {
			t.Fatal(err)
		}
		if got, want := server.PTRs()[mail], "mail.example.com"; got != want {
			t.Errorf("setMail set %q, want %q", got, want)
		}
	}
	_ = testSetMail // in your own test file: func TestSetMail(t *testing.T)
	fmt.Println("ok")
	// Output: ok
}

// The response to a write is lost after the server has set the record.
func ExampleServer_Fail() {
	server := edistest.NewServer()
	defer server.Close()
	lost := edistest.Fault{Apply: -1, Drop: true}
	server.Fail("setPTR", lost, lost, lost)
	err := setMail(context.Background(), server)
	fmt.Println(errors.Is(err, edis.ErrOutcomeUnknown), server.PTRs())
	// Output: true map[192.0.2.10:mail.example.com]
}

// A call fails if the address belongs to another KVM server.
func ExampleServer_AddAccount() {
	server := edistest.NewServer()
	defer server.Close()
	server.AddAccount(edistest.Account{
		Email: "other@example.com", Password: "other",
		KVMs: []edistest.KVM{{ID: "kvm_2", Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}},
	})
	err := setMail(context.Background(), server) // with the session of the first account
	fmt.Println(err)
	// Output: edis: setPTR: HTTP 400 Bad Request: 192.0.2.10 is not an address of kvm_123456_789012; nothing changed
}

// With a lag, the server shows a write only after some time.
func ExampleServer_SetLag() {
	server := edistest.NewServer()
	defer server.Close()
	server.SetLag(time.Hour)
	if err := setMail(context.Background(), server); err != nil {
		log.Fatal(err)
	}
	client, err := edis.NewClient(&edis.Options{RDNSURL: server.URL})
	if err != nil {
		log.Fatal(err)
	}
	ptrs, err := client.GetPTR(context.Background(), server.Session(), mail)
	fmt.Println(ptrs, err, server.PTRs())
	// Output: map[] <nil> map[192.0.2.10:mail.example.com]
}

// AddHost adds forward records to the DNS server.
func ExampleServer_AddHost() {
	server := edistest.NewServer()
	defer server.Close()
	server.AddHost("mail.example.com", mail)
	resolver := &net.Resolver{
		PreferGo: true,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, server.DNSAddr)
		},
	}
	fmt.Println(resolver.LookupNetIP(context.Background(), "ip4", "mail.example.com."))
	// Output: [192.0.2.10] <nil>
}

// The session expires while the code runs.
func ExampleServer_SetClock() {
	server := edistest.NewServer()
	defer server.Close()
	server.SetClock(func() time.Time { return time.Now().Add(48 * time.Hour) })
	err := setMail(context.Background(), server)
	fmt.Println(errors.Is(err, edis.ErrUnauthorized))
	// Output: true
}
