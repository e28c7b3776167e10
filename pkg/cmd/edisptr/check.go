package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/spf13/cobra"

	"github.com/edisptr/edis-go/pkg/fcrdns"
)

func (a *app) checkCommand() *cobra.Command {
	resolver := ""
	command := &cobra.Command{
		Use:   "check IP ...",
		Short: "Check forward-confirmed reverse DNS",
		Long: `Asks the DNS for the PTR names of each address, and whether one of them leads
back to the address, as mail servers do. Needs no session.`,
		Example: "  edisptr check 192.0.2.10 2001:db8::10",
		Args:    atLeastOne("IP"),
		RunE: func(command *cobra.Command, args []string) error {
			return a.check(command.Context(), args, resolver)
		},
	}
	command.Flags().StringVar(&resolver, "resolver", "", "`HOST:PORT` of a DNS server to ask instead of the system's")
	return command
}

// checkResult is a result as printed.
type checkResult struct {
	IP        netip.Addr `json:"ip"`
	Names     []string   `json:"names"`
	Confirmed bool       `json:"confirmed"`
	Reason    string     `json:"reason"`
}

// errNotConfirmed ends a check with an exit status of its own.
var errNotConfirmed = errors.New("not confirmed")

func (a *app) check(ctx context.Context, args []string, resolver string) error {
	addresses, bad := parseAddresses(args)
	if _, _, err := net.SplitHostPort(resolver); resolver != "" && err != nil {
		bad.add("--resolver", resolver, "want HOST:PORT")
	}
	if len(bad) > 0 {
		return errors.Join(bad...)
	}
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	results := make([]checkResult, len(addresses))
	failed := 0
	for i, result := range fcrdns.Check(ctx, resolverAt(resolver), addresses...) {
		results[i] = checkResult{result.Address, []string{}, result.Confirmed, asked(result, resolver)}
		for _, name := range result.Names {
			results[i].Names = append(results[i].Names, describeName(name))
		}
		if !result.Confirmed {
			failed++
		}
	}
	a.printChecks(results)
	if failed > 0 {
		return fmt.Errorf("%d of %d addresses: %w", failed, len(addresses), errNotConfirmed)
	}
	return nil
}

// asked returns the reason of a result. Package net names the system's resolver
// in a failure, whichever was asked.
func asked(result fcrdns.Result, resolver string) string {
	var failure *net.DNSError
	if resolver != "" && errors.As(result.Err, &failure) && failure.Server != "" {
		return strings.ReplaceAll(result.Reason, failure.Server, resolver)
	}
	return result.Reason
}

// describeName tells of an alias, which a PTR should not point to.
func describeName(name fcrdns.Name) string {
	if name.CNAME != "" {
		return name.Host + " (alias of " + name.CNAME + ")"
	}
	return name.Host
}

// resolverAt asks the DNS server at an address; the system's if that is empty.
func resolverAt(address string) *net.Resolver {
	if address == "" {
		return net.DefaultResolver
	}
	return &net.Resolver{
		PreferGo: true,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}
}

func (a *app) printChecks(results []checkResult) {
	if a.format == outputJSON {
		a.printJSON(map[string][]checkResult{"results": results})
		return
	}
	rows := [][]cell{{{text: "IP"}, {text: "NAMES"}, {text: "FCrDNS"}}}
	for _, r := range results {
		verdict := cell{text: "confirmed", state: stateSet}
		if !r.Confirmed {
			verdict = cell{text: r.Reason, state: stateFailed}
		}
		rows = append(rows, []cell{{text: r.IP.String()}, {text: strings.Join(r.Names, ", ")}, verdict})
	}
	a.printTable(rows)
}
