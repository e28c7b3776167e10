package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/spf13/cobra"

	"github.com/edisptr/edis-go/pkg/fcrdns"
	"github.com/edisptr/edis-go/pkg/internal/redact"
)

func (a *app) checkCommand() *cobra.Command {
	resolver := ""
	command := &cobra.Command{
		Use:   "check IP ...",
		Short: "Check forward-confirmed reverse DNS",
		Long: `Check looks up the PTR names of each address and reports whether the address is
confirmed: whether at least one of the names resolves back to it. This is what
RFC 8601 calls iprev, and what many mail servers require. Some mail servers look
only at the first name, so an address should have one PTR record. It needs no
session.

Names that are not host names do not confirm an address. Of more than 10 names,
the first 10 in alphabetical order are tried.

With --resolver or EDIS_DNS, check queries only that DNS server, which should be
recursive. The default port is 53. Otherwise, check queries the DNS servers that
this system is configured with. It never reads the hosts file (/etc/hosts),
because other mail servers do not see it.

Exit status:
  0  all addresses are confirmed
  1  at least one address could not be checked, because a lookup failed or timed
     out, or because it has too many names
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
	Checked   bool       `json:"checked"` // false if the check is undecided
	Confirmed bool       `json:"confirmed"`
	Reason    string     `json:"reason"`
}

var errNotConfirmed = errors.New("not confirmed")

func (a *app) check(ctx context.Context, args []string, server string) error {
	addresses, errs := parseAddresses(args)
	client, err := a.dnsClient(server)
	if err != nil {
		errs.add("--resolver", server, "want HOST or HOST:PORT")
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	results := make([]checkResult, len(addresses))
	unchecked, unconfirmed := 0, 0
	for i, result := range fcrdns.Check(ctx, client, addresses...) {
		results[i] = checkResult{result.Address, []string{}, result.Verdict != fcrdns.Undecided, result.Verdict == fcrdns.Confirmed, result.Reason}
		for _, name := range result.Names {
			results[i].Names = append(results[i].Names, formatName(name))
		}
		switch result.Verdict {
		case fcrdns.Undecided:
			unchecked++
		case fcrdns.NotConfirmed:
			unconfirmed++
		case fcrdns.Confirmed:
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

// dnsClient returns a client of the DNS server at address, or of those of the system if
// address is empty. Its lookups are limited by --timeout.
func (a *app) dnsClient(address string) (*fcrdns.DNSClient, error) {
	if address == "" {
		return &fcrdns.DNSClient{Timeout: a.timeout}, nil
	}
	client, err := fcrdns.NewDNSClient(address)
	if err != nil {
		return nil, err
	}
	client.Timeout = a.timeout
	return client, nil
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
