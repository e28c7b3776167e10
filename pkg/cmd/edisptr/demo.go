package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/fatih/color"
	"github.com/miekg/dns"
	"github.com/spf13/cobra"

	"github.com/edisptr/edis-go/pkg/edistest"
)

func (a *app) demoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "A short tour on a fake EDIS on this machine",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return a.demo(command.Context())
		},
	}
}

// demo runs on a sandbox the commands that a user would type, and asks the DNS
// what became of it.
func (a *app) demo(ctx context.Context) error {
	server := newSandbox()
	defer server.Close()
	tour := &tour{app: a, ctx: ctx, server: server}
	a.title("A fake EDIS runs on this machine; nothing leaves it.")
	fmt.Fprintf(a.stdout, "API %s\nDNS %s\n", server.URL, server.DNSAddr)
	tour.run("Log in and list the KVM servers:", "servers")
	tour.run("Set the PTR records of an IPv4 and an IPv6 address, in one call:",
		"set", "192.0.2.10=mail.example.com", "2001:db8::10=mail.example.com")
	tour.show("What the API received: one form field holds a JSON object.", tour.lastRequest)
	tour.run("Read them back:", "get", "192.0.2.10", "2001:db8::10")
	tour.show("Ask the DNS:", func() error { return tour.ask("192.0.2.10", "2001:db8::10") })
	tour.run("Check that the names lead back, as mail servers do:",
		"check", "--resolver", server.DNSAddr, "192.0.2.10", "2001:db8::10")
	tour.run("Delete one:", "delete", "192.0.2.10")
	tour.show("Ask the DNS again:", func() error { return tour.ask("192.0.2.10", "2001:db8::10") })
	return tour.failure
}

func (a *app) title(text string) {
	fmt.Fprintf(a.stdout, "\n%s\n", a.paint(color.Bold).Sprint(text))
}

// tour goes on until the first of its steps fails.
type tour struct {
	app     *app
	ctx     context.Context //nolint:containedctx // a tour lives within one call
	server  *edistest.Server
	failure error
}

func (t *tour) show(title string, part func() error) {
	if t.failure == nil {
		t.app.title(title)
		t.failure = part()
	}
}

// run shows a command line of edisptr and runs it against the server.
func (t *tour) run(title string, args ...string) {
	t.show(title, func() error {
		fmt.Fprintf(t.app.stdout, "$ edisptr %s\n", strings.Join(args, " "))
		a := t.app
		if status := exec(t.ctx, args, a.stdin, a.stdout.Writer, a.stderr, t.environment); status != exitDone {
			return fmt.Errorf("the demo failed at %q with exit status %d", strings.Join(args, " "), status)
		}
		return nil
	})
}

// environment is that of the sandbox, and beyond it what colour depends on.
func (t *tour) environment(name string) string {
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

// ask prints what the DNS server answers to PTR queries.
func (t *tour) ask(addresses ...string) error {
	for _, address := range addresses {
		name, err := dns.ReverseAddr(address)
		if err != nil {
			return err
		}
		query := new(dns.Msg).SetQuestion(name, dns.TypePTR)
		answer, _, err := new(dns.Client).ExchangeContext(t.ctx, query, t.server.DNSAddr)
		if err != nil {
			return err
		}
		fmt.Fprintf(t.app.stdout, "%s: %s\n", address, answerText(answer))
	}
	return nil
}

func answerText(answer *dns.Msg) string {
	texts := []string{dns.RcodeToString[answer.Rcode]}
	for _, record := range answer.Answer {
		if ptr, ok := record.(*dns.PTR); ok {
			texts = append(texts, ptr.Ptr)
		}
	}
	return strings.Join(texts, " ")
}
