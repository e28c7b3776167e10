package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/miekg/dns"
	"github.com/spf13/cobra"

	"github.com/edisptr/edis-go/pkg/edistest"
)

func (a *app) demoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Show a short tour on a fake EDIS",
		Args:  noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			return a.demo(command.Context())
		},
	}
}

// demo runs commands on a sandbox and shows their effect in the DNS.
func (a *app) demo(ctx context.Context) error {
	server := newSandbox()
	defer server.Close()
	tour := &tour{app: a, ctx: ctx, server: server}
	a.printTitle("A fake EDIS is running on this machine; no traffic leaves it.")
	fmt.Fprintf(a.stdout, "API %s\nDNS %s\n", server.URL, server.DNSAddr)
	tour.run("Log in and list the KVM servers:", "servers")
	tour.run("Set the PTR records of an IPv4 and an IPv6 address in one call:",
		"set", "192.0.2.10=mail.example.com", "2001:db8::10=mail.example.com")
	tour.show("The API received a form field that holds a JSON object:", tour.lastRequest)
	tour.run("Read the records back:", "get", "192.0.2.10", "2001:db8::10")
	tour.show("Query the DNS server:", func() error { return tour.query("192.0.2.10", "2001:db8::10") })
	tour.run("Check that the names resolve back, as mail servers do:",
		"check", "--resolver", server.DNSAddr, "192.0.2.10", "2001:db8::10")
	tour.run("Delete one record:", "delete", "192.0.2.10")
	tour.show("Query the DNS server again:", func() error { return tour.query("192.0.2.10", "2001:db8::10") })
	return tour.err
}

func (a *app) printTitle(text string) {
	fmt.Fprintf(a.stdout, "\n%s\n", a.style(bold, text))
}

// tour runs the parts of a demo until one fails.
type tour struct {
	app    *app
	ctx    context.Context //nolint:containedctx // a tour lives within one call
	server *edistest.Server
	err    error
}

func (t *tour) show(title string, part func() error) {
	if t.err == nil {
		t.app.printTitle(title)
		t.err = part()
	}
}

// run prints an edisptr command line and runs it on the sandbox.
func (t *tour) run(title string, args ...string) {
	t.show(title, func() error {
		fmt.Fprintf(t.app.stdout, "$ edisptr %s\n", strings.Join(args, " "))
		a := t.app
		if status := exec(t.ctx, args, a.stdin, a.stdout.Writer, a.stderr, t.env); status != exitOK {
			return fmt.Errorf("demo command %q failed with exit status %d", strings.Join(args, " "), status)
		}
		return nil
	})
}

// env returns the variables of the sandbox in place of the user's EDIS
// variables. Others, such as NO_COLOR, pass through.
func (t *tour) env(name string) string {
	for _, variable := range sandboxEnvironment(t.server) {
		if variable.name == name {
			return variable.value
		}
	}
	if strings.HasPrefix(name, "EDIS_") {
		return ""
	}
	return t.app.env(name)
}

func (t *tour) lastRequest() error {
	requests := t.server.Requests()
	last := requests[len(requests)-1]
	fmt.Fprintf(t.app.stdout, "%s %s\nip=%s\n", last.Method, last.Path, last.Form.Get("ip"))
	return nil
}

// query prints the DNS server's responses to PTR queries.
func (t *tour) query(addresses ...string) error {
	for _, address := range addresses {
		name, err := dns.ReverseAddr(address)
		if err != nil {
			return err
		}
		query := new(dns.Msg).SetQuestion(name, dns.TypePTR)
		response, _, err := new(dns.Client).ExchangeContext(t.ctx, query, t.server.DNSAddr)
		if err != nil {
			return err
		}
		fmt.Fprintf(t.app.stdout, "%s: %s\n", address, formatResponse(response))
	}
	return nil
}

func formatResponse(response *dns.Msg) string {
	texts := []string{dns.RcodeToString[response.Rcode]}
	for _, record := range response.Answer {
		if ptr, ok := record.(*dns.PTR); ok {
			texts = append(texts, ptr.Ptr)
		}
	}
	return strings.Join(texts, " ")
}
