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

// demo sets two records on a sandbox with the command that a user would type,
// and asks the DNS for them.
func (a *app) demo(ctx context.Context) error {
	server := edistest.NewServer()
	defer server.Close()
	a.title("A fake EDIS runs on this machine; nothing leaves it.")
	fmt.Fprintf(a.stdout, "API %s\nDNS %s\n", server.URL, server.DNSAddr)

	a.title("Set the PTR records of an IPv4 and an IPv6 address, in one call:")
	if err := a.tour(ctx, server, "set", "192.0.2.10=mail.example.com", "2001:db8::10=mail.example.com"); err != nil {
		return err
	}

	a.title("What the API received: one form field holds a JSON object.")
	for _, request := range server.Requests() {
		fmt.Fprintf(a.stdout, "%s %s\nip=%s\n", request.Method, request.Path, request.Form.Get("ip"))
	}

	a.title("Ask the DNS, also for an address without a record:")
	for _, address := range []string{"192.0.2.10", "2001:db8::10", "192.0.2.11"} {
		if err := a.ask(ctx, server.DNSAddr, address); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) title(text string) {
	fmt.Fprintf(a.stdout, "\n%s\n", a.paint(color.Bold).Sprint(text))
}

// tour shows a command line of edisptr and runs it against server.
func (a *app) tour(ctx context.Context, server *edistest.Server, args ...string) error {
	fmt.Fprintf(a.stdout, "$ edisptr %s\n", strings.Join(args, " "))
	environment := make(map[string]string)
	for _, variable := range sandboxEnvironment(server) {
		environment[variable.name] = variable.value
	}
	lookUp := func(name string) string {
		if value, ok := environment[name]; ok {
			return value
		}
		return a.env(name)
	}
	if status := exec(ctx, args, a.stdin, a.stdout.Writer, a.stderr, lookUp); status != exitDone {
		return fmt.Errorf("the demo failed at %q with exit status %d", strings.Join(args, " "), status)
	}
	return nil
}

// ask prints what the DNS server answers to a PTR query.
func (a *app) ask(ctx context.Context, server, address string) error {
	name, err := dns.ReverseAddr(address)
	if err != nil {
		return err
	}
	query := new(dns.Msg).SetQuestion(name, dns.TypePTR)
	answer, _, err := new(dns.Client).ExchangeContext(ctx, query, server)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "%s: %s\n", address, answerText(answer))
	return nil
}

func answerText(answer *dns.Msg) string {
	var names []string
	for _, record := range answer.Answer {
		if ptr, ok := record.(*dns.PTR); ok {
			names = append(names, ptr.Ptr)
		}
	}
	return strings.Join(append([]string{dns.RcodeToString[answer.Rcode]}, names...), " ")
}
