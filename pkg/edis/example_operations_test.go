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

// exampleFake is a fake EDIS with a client for it, and a session. It is not
// closed: an example ends with its process.
func exampleFake() (*edistest.Server, *edis.Client, edis.Session) {
	server := edistest.NewServer()
	client, err := edis.NewClient(&edis.Options{RDNSURL: server.URL, AuthURL: server.URL})
	if err != nil {
		log.Fatal(err)
	}
	return server, client, edis.Session(server.Session())
}

// The defaults are made for the real service.
func ExampleNewClient() {
	client, err := edis.NewClient(nil)
	fmt.Println(client != nil, err)

	_, err = edis.NewClient(&edis.Options{RDNSURL: "http://dns-api.example"})
	fmt.Println(err)
	// Output:
	// true <nil>
	// edis: invalid input, nothing sent:
	// "http://dns-api.example" for Options.RDNSURL: http to another machine would expose the session to the network; use https
}

func ExampleClient_SetPTR() {
	_, client, session := exampleFake()
	err := client.SetPTR(context.Background(), session, map[netip.Addr]string{
		netip.MustParseAddr("192.0.2.10"):   "Bücher.example", // sent as xn--bcher-kva.example
		netip.MustParseAddr("2001:db8::10"): "mail.example.com",
	})
	fmt.Println(err)
	// Output: <nil>
}

// An address without a record is absent from the map.
func ExampleClient_GetPTR() {
	ctx := context.Background()
	_, client, session := exampleFake()
	mail, other := netip.MustParseAddr("192.0.2.10"), netip.MustParseAddr("192.0.2.11")
	if err := client.SetPTR(ctx, session, map[netip.Addr]string{mail: "mail.example.com"}); err != nil {
		log.Fatal(err)
	}
	ptrs, err := client.GetPTR(ctx, session, mail, other)
	fmt.Println(ptrs, err)
	// Output: map[192.0.2.10:mail.example.com] <nil>
}

func ExampleClient_DeletePTR() {
	_, client, session := exampleFake()
	err := client.DeletePTR(context.Background(), session, netip.MustParseAddr("192.0.2.10"))
	fmt.Println(err)
	// Output: <nil>
}

// The service may show a write a little later. A context with a deadline says
// how long to wait for it.
func ExampleClient_ConfirmPTR() {
	server, client, session := exampleFake()
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

// A login gives a session for each KVM server of the account.
func ExampleClient_Login() {
	server, client, _ := exampleFake()
	email, password := server.Credentials()
	sessions, err := client.Login(context.Background(), edis.Credentials{Email: email, Password: password})
	if err != nil {
		log.Fatal(err)
	}
	for _, session := range sessions {
		fmt.Println(session.KVMID, session.PrimaryIP, session.Description)
	}
	// Output: kvm_123456_789012 192.0.2.1 mail server
}

// A source logs in when it has to; the calls need not know of it.
func ExampleClient_LoginSource() {
	ctx := context.Background()
	server, client, _ := exampleFake()
	email, password := server.Credentials()
	source := client.LoginSource(edis.Credentials{Email: email, Password: password})
	mail := netip.MustParseAddr("192.0.2.10")
	if err := client.SetPTR(ctx, source, map[netip.Addr]string{mail: "mail.example.com"}); err != nil {
		log.Fatal(err)
	}
	ptrs, err := client.GetPTR(ctx, source, mail)
	fmt.Println(ptrs, err)
	// Output: map[192.0.2.10:mail.example.com] <nil>
}

// A Session can be logged: its signature is not shown.
func ExampleSession() {
	session := edis.Session{KVMID: "kvm_123456_789012", Signature: "secret"}
	fmt.Println(session)
	// Output: {kvm_123456_789012 [redacted]  0001-01-01 00:00:00 +0000 UTC invalid IP  false}
}

// What the service said is kept, with the status.
func ExampleAPIError() {
	server, client, session := exampleFake()
	server.Fail("setPTR", edistest.Fault{Status: 400})
	err := client.SetPTR(context.Background(), session, map[netip.Addr]string{
		netip.MustParseAddr("192.0.2.10"): "mail.example.com",
	})
	var refused *edis.APIError
	if errors.As(err, &refused) {
		fmt.Println(refused.Status, refused.Message, errors.Is(err, edis.ErrOutcomeUnknown))
	}
	// Output: 400 injected fault false
}

// A web service sets a PTR per request, with one client and one source that all
// requests share.
func Example_webService() {
	server, client, _ := exampleFake()
	email, password := server.Credentials()
	source := client.LoginSource(edis.Credentials{Email: email, Password: password})

	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		address, err := netip.ParseAddr(r.FormValue("ip"))
		if err != nil {
			http.Error(w, "ip is not an address", http.StatusBadRequest)
			return
		}
		err = client.SetPTR(r.Context(), source, map[netip.Addr]string{address: r.FormValue("name")})
		switch {
		case err == nil:
			fmt.Fprintln(w, "done")
		case errors.Is(err, edis.ErrInvalidInput):
			http.Error(w, err.Error(), http.StatusBadRequest)
		case errors.Is(err, edis.ErrOutcomeUnknown):
			http.Error(w, "not known whether it is set, try again", http.StatusBadGateway)
		default:
			http.Error(w, "not set", http.StatusBadGateway)
		}
	})

	for _, form := range []string{"ip=192.0.2.10&name=mail.example.com", "ip=192.0.2.11&name=a_b"} {
		request := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(form))
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		fmt.Println(answer.Code)
	}
	fmt.Println(server.PTRs())
	// Output:
	// 200
	// 400
	// map[192.0.2.10:mail.example.com]
}
