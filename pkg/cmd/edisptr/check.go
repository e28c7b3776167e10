package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/edisptr/edis-go/pkg/fcrdns"
	"github.com/edisptr/edis-go/pkg/internal/redact"
)

func (a *app) checkCommand() *cobra.Command {
	resolver := ""
	command := &cobra.Command{
		Use:   "check IP ...",
		Short: "Check forward-confirmed reverse DNS",
		Long: `Check looks up the PTR names of each address and reports whether one of them
resolves back to the address, as mail servers do. It needs no session.

With --resolver or EDIS_DNS, check queries only that DNS server, which should be
recursive. The default port is 53.

Otherwise, check uses the system's resolver, which also reads the hosts file
(/etc/hosts), and so may confirm a name that is not in the DNS.

Exit status:
  0  all addresses are confirmed
  1  at least one address could not be checked, because a lookup failed or timed
     out
  2  usage or input error
  4  all addresses were checked, and at least one is not confirmed`,
		Example: "  edisptr check 192.0.2.10 2001:db8::10\n  edisptr check --resolver 192.0.2.53 192.0.2.10",
		Args:    atLeastOne("IP"),
		RunE: func(command *cobra.Command, args []string) error {
			if resolver == "" && command.Flags().Changed("resolver") { // such as an unset variable
				return usageError{errors.New("--resolver is empty, want HOST or HOST:PORT")}
			}
			return a.check(command.Context(), args, cmp.Or(resolver, a.env("EDIS_DNS")))
		},
	}
	command.Flags().StringVar(&resolver, "resolver", "", "query only the DNS server at `HOST[:PORT]`")
	return command
}

// checkResult is the check of one address as printed.
type checkResult struct {
	IP        netip.Addr `json:"ip"`
	Names     []string   `json:"names"`
	Checked   bool       `json:"checked"` // false if a failed lookup left it undecided
	Confirmed bool       `json:"confirmed"`
	Reason    string     `json:"reason"`
}

var errNotConfirmed = errors.New("not confirmed")

func (a *app) check(ctx context.Context, args []string, server string) error {
	addresses, errs := parseAddresses(args)
	resolver, err := a.resolver(server)
	if err != nil {
		errs.add("--resolver", server, "want HOST or HOST:PORT")
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	results := make([]checkResult, len(addresses))
	unchecked, unconfirmed := 0, 0
	for i, result := range fcrdns.Check(ctx, resolver, addresses...) {
		results[i] = checkResult{result.Address, []string{}, result.Err == nil, result.Confirmed, result.Reason}
		for _, name := range result.Names {
			results[i].Names = append(results[i].Names, formatName(name))
		}
		switch {
		case result.Err != nil:
			unchecked++
		case !result.Confirmed:
			unconfirmed++
		}
	}
	a.printChecks(results)
	switch {
	case unchecked > 0:
		return fmt.Errorf("%s could not be checked", ofAddresses(unchecked, addresses))
	case unconfirmed > 0:
		return fmt.Errorf("%w: %s", errNotConfirmed, ofAddresses(unconfirmed, addresses))
	}
	return nil
}

// ofAddresses returns how many of the addresses a text is about.
func ofAddresses(some int, all []netip.Addr) string {
	if len(all) == 1 {
		return redact.Printable(all[0].String()) // a zone can hold anything
	}
	return fmt.Sprintf("%d of %d addresses", some, len(all))
}

// resolver returns the DNS server at address, or the system's resolver if address
// is empty. Its lookups are limited by --timeout.
func (a *app) resolver(address string) (fcrdns.Resolver, error) {
	if address == "" {
		return systemResolver{net.DefaultResolver, a.timeout}, nil
	}
	server, err := fcrdns.NewServer(address)
	if err != nil {
		return nil, err
	}
	server.Timeout = a.timeout
	return server, nil
}

// systemResolver is a net.Resolver with a timeout for each lookup.
type systemResolver struct {
	resolver *net.Resolver
	timeout  time.Duration
}

func (r systemResolver) LookupAddr(ctx context.Context, address string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	return r.resolver.LookupAddr(ctx, address)
}

func (r systemResolver) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	return r.resolver.LookupNetIP(ctx, network, host)
}

func (r systemResolver) LookupCNAME(ctx context.Context, host string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	return r.resolver.LookupCNAME(ctx, host)
}

// formatName marks aliases, because a PTR record should not point to one.
func formatName(name fcrdns.Name) string {
	if name.CNAME != "" {
		return name.Host + " (alias of " + name.CNAME + ")"
	}
	return name.Host
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
