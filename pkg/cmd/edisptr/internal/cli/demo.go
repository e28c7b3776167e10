package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/miekg/dns"
	"github.com/spf13/cobra"

	"github.com/edisptr/edis-go/pkg/cmd/edisptr/internal/render"
	"github.com/edisptr/edis-go/pkg/edistest"
)

func (t tool) demoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Show a short tour on a fake EDIS",
		Args:  noArguments,
		RunE: does(func(ctx context.Context, _ []string) (Result, error) {
			return Result{}, failed(t.demo(ctx))
		}),
	}
}

// A tour runs commands on a sandbox and shows their effect in the DNS. It prints by itself,
// as the commands do.
type tour struct {
	tool   tool
	server *edistest.Server
}

func (t tool) demo(ctx context.Context) error {
	server := edistest.NewServer()
	defer server.Close()
	server.SetForwardRecords(true)
	tour := tour{t, server}
	tour.title("A fake EDIS is running on this machine; no traffic leaves it.")
	tour.print("API %s\nDNS %s\n", server.URL, server.DNSAddr)
	for _, step := range []struct {
		title string
		do    func() error
	}{
		{"Log in and list the KVM servers:", tour.command(ctx, "servers")},
		{"Set the PTR records of an IPv4 and an IPv6 address in one call:", tour.command(ctx, "set", "192.0.2.10=mail.example.com", "2001:db8::10=mail.example.com")},
		{"The API received a form field that contains a JSON object:", tour.lastRequest},
		{"Read the records back:", tour.command(ctx, "get", "192.0.2.10", "2001:db8::10")},
		{"Query the DNS server:", tour.query(ctx, "192.0.2.10", "2001:db8::10")},
		{"Check that the names resolve back, as mail servers do:", tour.command(ctx, "check", "--resolver", server.DNSAddr, "192.0.2.10", "2001:db8::10")},
		{"Delete one record:", tour.command(ctx, "delete", "192.0.2.10")},
		{"Query the DNS server again:", tour.query(ctx, "192.0.2.10", "2001:db8::10")},
	} {
		tour.title(step.title)
		if err := step.do(); err != nil {
			return err
		}
	}
	return nil
}

func (t tour) print(format string, args ...any) { _, _ = fmt.Fprintf(t.tool.Out, format, args...) }

func (t tour) title(text string) {
	lines := []render.Cell{{}, {Text: text, Color: render.Bold}}
	_ = render.Document{Lines: lines}.WriteText(t.tool.Out, t.tool.hasColors())
}

// command returns a step that prints a command line of edisptr and runs it on the sandbox.
func (t tour) command(ctx context.Context, args ...string) func() error {
	return func() error {
		t.print("$ edisptr %s\n", strings.Join(args, " "))
		streams := t.tool.IO
		streams.Env = t.env
		if status := Run(ctx, args, streams); status != exitOK {
			return fmt.Errorf("demo command %q failed with exit status %d", strings.Join(args, " "), status)
		}
		return nil
	}
}

// env returns the variables of the sandbox in place of the user's. Others, such as NO_COLOR,
// pass through.
func (t tour) env(name string) string {
	for _, variable := range sandboxEnvironment(t.server) {
		if variable.name == name {
			return variable.value
		}
	}
	return t.tool.Env(name)
}

func (t tour) lastRequest() error {
	requests := t.server.Requests()
	last := requests[len(requests)-1]
	t.print("%s %s\nip=%s\n", last.Method, last.Path, last.Form.Get("ip"))
	return nil
}

// query returns a step that prints the DNS server's responses to PTR queries.
func (t tour) query(ctx context.Context, addresses ...string) func() error {
	return func() error {
		for _, address := range addresses {
			name, err := dns.ReverseAddr(address)
			if err != nil {
				return err
			}
			query := new(dns.Msg).SetQuestion(name, dns.TypePTR)
			response, _, err := new(dns.Client).ExchangeContext(ctx, query, t.server.DNSAddr)
			if err != nil {
				return err
			}
			t.print("%s: %s\n", address, formatResponse(response))
		}
		return nil
	}
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
