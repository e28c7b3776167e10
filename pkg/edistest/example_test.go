package edistest_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/netip"
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
	client, err := edis.NewClient(server.Options())
	if err != nil {
		return err
	}
	return client.SetPTR(ctx, server.Session(), map[netip.Addr]string{mail: "mail.example.com"})
}

// The response to a write is lost after the server has set the record.
func ExampleServer_Fail() {
	server := edistest.NewServer()
	defer server.Close()
	lost := edistest.Fault{Apply: -1, Drop: true}
	server.Fail(edistest.SetPTR, lost, lost, lost)
	err := setMail(context.Background(), server)
	fmt.Println(edis.OutcomeOf(err), server.PTRs())
	// Output: unknown map[192.0.2.10:mail.example.com]
}

// Only one server of a fleet fails, for as long as the outage lasts.
func ExampleServer_FailAlways() {
	server := edistest.NewServer()
	defer server.Close()
	server.AddAccount(edistest.Account{Email: "fleet@example.com", Password: "fleet", KVMs: []edistest.KVM{
		{ID: "kvm_1", Addresses: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}},
		{ID: "kvm_2", Addresses: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}},
	}})
	client, err := edis.NewClient(server.Options())
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	account := client.Account(edis.Credentials{Email: "fleet@example.com", Password: "fleet"})
	list := func(kvmID string) int {
		_, err := client.ListPTR(ctx, account.Server(kvmID))
		var failure *edis.APIError
		if errors.As(err, &failure) {
			return failure.Status
		}
		return http.StatusOK
	}

	remove := server.FailAlways(edistest.GetPTR, edistest.Fault{KVMID: "kvm_2", Status: http.StatusForbidden})
	fmt.Println(list("kvm_1"), list("kvm_2"), list("kvm_2"))
	remove()
	fmt.Println(list("kvm_1"), list("kvm_2"))
	// Output:
	// 200 403 403
	// 200 200
}

// A fault that no call has met is a sign that a test does not test what it says.
func ExampleServer_UnusedFaults() {
	server := edistest.NewServer()
	defer server.Close()
	server.Fail(edistest.DeletePTR, edistest.Fault{Status: http.StatusInternalServerError})
	if err := setMail(context.Background(), server); err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(server.UnusedFaults()[edistest.DeletePTR]))
	// Output: 1
}

// The service ends the sessions before their time. An account logs in again.
func ExampleServer_ExpireSessions() {
	server := edistest.NewServer()
	defer server.Close()
	client, err := edis.NewClient(server.Options())
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	account := client.Account(server.Credentials())
	for range 2 {
		if _, err := client.GetPTR(ctx, account, mail); err != nil {
			log.Fatal(err)
		}
		server.ExpireSessions()
	}
	for _, request := range server.Requests() {
		fmt.Println(request.Path, request.Status)
	}
	// Output:
	// /kvm/v2/get/auth 200
	// /get/ptr 200
	// /get/ptr 401
	// /kvm/v2/get/auth 200
	// /get/ptr 200
}

// The service responds as in the provider's earlier material, and only at the paths of
// that time. A client reaches them with another base URL.
func ExampleServer_SetDialect() {
	server := edistest.NewServer()
	defer server.Close()
	server.SetDialect(edistest.RecordedOnly)
	for _, baseURL := range []string{server.URL, server.URL + "/kvm/v2"} {
		options := server.Options()
		options.RDNSURL = baseURL
		client, err := edis.NewClient(options)
		if err != nil {
			log.Fatal(err)
		}
		_, err = client.GetPTR(context.Background(), server.Session(), mail)
		fmt.Println(err == nil)
	}
	// Output:
	// false
	// true
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
	client, err := edis.NewClient(server.Options())
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

// The session expires while the code runs. See also ExpireSessions.
func ExampleServer_SetClock() {
	server := edistest.NewServer()
	defer server.Close()
	server.SetClock(func() time.Time { return time.Now().Add(48 * time.Hour) })
	err := setMail(context.Background(), server)
	fmt.Println(errors.Is(err, edis.ErrUnauthorized))
	// Output: true
}
