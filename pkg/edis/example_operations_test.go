package edis_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/edistest"
)

// newExample starts a fake EDIS and returns it with a client and a session for it.
func newExample() (*edistest.Server, *edis.Client, edis.Session) {
	server := edistest.NewServer()
	client, err := edis.NewClient(server.Options())
	if err != nil {
		log.Fatal(err)
	}
	return server, client, server.Session()
}

// With nil options the client calls the real service.
func ExampleNewClient() {
	client, err := edis.NewClient(nil)
	fmt.Println(client != nil, err)

	_, err = edis.NewClient(&edis.Options{RDNSURL: "http://dns-api.example", AuthURL: "https://session.example"})
	fmt.Println(err)
	// Output:
	// true <nil>
	// edis: Options.RDNSURL: "http://dns-api.example" would expose secrets to the network; use https
}

func ExampleClient_SetPTR() {
	_, client, session := newExample()
	err := client.SetPTR(context.Background(), session, map[netip.Addr]string{
		netip.MustParseAddr("192.0.2.10"):   "Bücher.example", // sent as xn--bcher-kva.example
		netip.MustParseAddr("2001:db8::10"): "mail.example.com",
	})
	fmt.Println(err)
	// Output: <nil>
}

// Addresses without a record are omitted from the map.
func ExampleClient_GetPTR() {
	ctx := context.Background()
	_, client, session := newExample()
	mail, other := netip.MustParseAddr("192.0.2.10"), netip.MustParseAddr("192.0.2.11")
	if err := client.SetPTR(ctx, session, map[netip.Addr]string{mail: "mail.example.com"}); err != nil {
		log.Fatal(err)
	}
	ptrs, err := client.GetPTR(ctx, session, mail, other)
	fmt.Println(ptrs, err)
	// Output: map[192.0.2.10:mail.example.com] <nil>
}

func ExampleClient_DeletePTR() {
	_, client, session := newExample()
	err := client.DeletePTR(context.Background(), session, netip.MustParseAddr("192.0.2.10"))
	fmt.Println(err)
	// Output: <nil>
}

// The service may take a while to show a write. The context limits how long
// ConfirmPTR waits for it.
func ExampleClient_ConfirmPTR() {
	server, client, session := newExample()
	server.SetLag(100 * time.Millisecond)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	want := map[netip.Addr]string{netip.MustParseAddr("192.0.2.10"): "mail.example.com"}
	if err := client.SetPTR(ctx, session, want); err != nil {
		log.Fatal(err)
	}
	differing, err := client.ConfirmPTR(ctx, session, want)
	fmt.Println(len(differing), err)
	// Output: 0 <nil>
}

// Login returns a session for each KVM server of the account.
func ExampleClient_Login() {
	server, client, _ := newExample()
	sessions, err := client.Login(context.Background(), server.Credentials())
	if err != nil {
		log.Fatal(err)
	}
	for _, session := range sessions {
		fmt.Println(session.KVMID, session.PrimaryIP, session.Description)
	}
	// Output: kvm_123456_789012 192.0.2.1 mail server
}

// The account logs in when a call needs a session.
func ExampleClient_Account() {
	ctx := context.Background()
	server, client, _ := newExample()
	account := client.Account(server.Credentials())
	mail := netip.MustParseAddr("192.0.2.10")
	if err := client.SetPTR(ctx, account, map[netip.Addr]string{mail: "mail.example.com"}); err != nil {
		log.Fatal(err)
	}
	ptrs, err := client.GetPTR(ctx, account, mail)
	fmt.Println(ptrs, err)
	// Output: map[192.0.2.10:mail.example.com] <nil>
}

// ListPTR returns the records of a server without knowing its addresses.
func ExampleClient_ListPTR() {
	server, client, session := newExample()
	server.SetPTRs(map[netip.Addr]string{netip.MustParseAddr("192.0.2.10"): "mail.example.com"})
	ptrs, err := client.ListPTR(context.Background(), session)
	fmt.Println(ptrs, err)
	// Output: map[192.0.2.10:mail.example.com] <nil>
}

// A Session can be logged, since it never shows its signature.
func ExampleSession() {
	session := edis.Session{KVMID: "kvm_123456_789012", Signature: "secret"}
	fmt.Println(session)
	// Output: {kvm_123456_789012 [redacted]  0001-01-01 00:00:00 +0000 UTC invalid IP  false}
}

// A web service sets a PTR record per request. All requests share a client and an
// account.
func Example_webService() {
	server, client, _ := newExample()
	account := client.Account(server.Credentials())

	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		address, err := netip.ParseAddr(r.FormValue("ip"))
		if err != nil {
			http.Error(w, "ip is not an IP address", http.StatusBadRequest)
			return
		}
		err = client.SetPTR(r.Context(), account, map[netip.Addr]string{address: r.FormValue("name")})
		switch outcome := edis.OutcomeOf(err); {
		case outcome == edis.OutcomeDone:
			fmt.Fprintln(w, "done")
		case errors.Is(err, edis.ErrInvalidInput):
			http.Error(w, err.Error(), http.StatusBadRequest)
		case outcome == edis.OutcomeNotSent, outcome == edis.OutcomeUnchanged:
			http.Error(w, "the record was not set", http.StatusBadGateway)
		default:
			http.Error(w, "the record may have been set; read it back", http.StatusBadGateway)
		}
	})

	for _, form := range []string{"ip=192.0.2.10&name=mail.example.com", "ip=192.0.2.11&name=a_b"} {
		request := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(form))
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, request)
		fmt.Println(recorder.Code)
	}
	fmt.Println(server.PTRs())
	// Output:
	// 200
	// 400
	// map[192.0.2.10:mail.example.com]
}
