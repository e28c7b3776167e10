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
		Long: `Check looks up the PTR names of each address and reports whether one of them
resolves back to the address, as mail servers do. It needs no session.`,
		Example: "  edisptr check 192.0.2.10 2001:db8::10",
		Args:    atLeastOne("IP"),
		RunE: func(command *cobra.Command, args []string) error {
			return a.check(command.Context(), args, resolver)
		},
	}
	command.Flags().StringVar(&resolver, "resolver", "", "query the DNS server at `HOST:PORT`")
	return command
}

// checkResult is the check of one address as printed.
type checkResult struct {
	IP        netip.Addr `json:"ip"`
	Names     []string   `json:"names"`
	Confirmed bool       `json:"confirmed"`
	Reason    string     `json:"reason"`
}

var errNotConfirmed = errors.New("not confirmed")

func (a *app) check(ctx context.Context, args []string, resolver string) error {
	addresses, errs := parseAddresses(args)
	if _, _, err := net.SplitHostPort(resolver); resolver != "" && err != nil {
		errs.add("--resolver", resolver, "want HOST:PORT")
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	results := make([]checkResult, len(addresses))
	failed := 0
	for i, result := range fcrdns.Check(ctx, newResolver(resolver), addresses...) {
		results[i] = checkResult{result.Address, []string{}, result.Confirmed, reasonFor(result, resolver)}
		for _, name := range result.Names {
			results[i].Names = append(results[i].Names, formatName(name))
		}
		if !result.Confirmed {
			failed++
		}
	}
	a.printChecks(results)
	if failed > 0 {
		return fmt.Errorf("%d of %d addresses %w", failed, len(addresses), errNotConfirmed)
	}
	return nil
}

// reasonFor returns the reason of a result. The errors of package net name the
// system's resolver even if Dial connects to another one.
func reasonFor(result fcrdns.Result, resolver string) string {
	var dnsErr *net.DNSError
	if resolver != "" && errors.As(result.Err, &dnsErr) && dnsErr.Server != "" {
		return strings.ReplaceAll(result.Reason, dnsErr.Server, resolver)
	}
	return result.Reason
}

// formatName marks aliases, because a PTR record should not point to one.
func formatName(name fcrdns.Name) string {
	if name.CNAME != "" {
		return name.Host + " (alias of " + name.CNAME + ")"
	}
	return name.Host
}

// newResolver returns a resolver for the DNS server at address, or the system's
// if address is empty.
func newResolver(address string) *net.Resolver {
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
			verdict = cell{text: r.Reason, state: stateRefused}
		}
		rows = append(rows, []cell{{text: r.IP.String()}, {text: strings.Join(r.Names, ", ")}, verdict})
	}
	a.printTable(rows)
}
