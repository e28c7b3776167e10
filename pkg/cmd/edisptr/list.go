package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/miekg/dns"
	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v4"

	"github.com/edisptr/edis-go/pkg/internal/canonical"
	"github.com/edisptr/edis-go/pkg/internal/redact"
)

func (a *app) listCommand() *cobra.Command {
	all, parallel := false, 0
	command := &cobra.Command{
		Use:   "list",
		Short: "List the PTR records of one server or all",
		Long: `List prints the PTR records that the service knows. With -o yaml or -o zone it
prints a file for 'edisptr apply -f', which requires --allow-underscore if names
have underscores.

The provider's document does not mention listing, and the service may refuse it.
If so, read records by address, with 'edisptr get'.`,
		Example: "  edisptr list\n  edisptr list --all -o yaml >ptr.yaml",
		Args:    noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			switch {
			case parallel < 1:
				return usageError{errors.New("--parallel must be at least 1")}
			case all && a.kvmID != "":
				return usageError{errors.New("--all and --kvm exclude each other")}
			}
			return a.list(command.Context(), all, parallel)
		},
	}
	command.Flags().BoolVar(&all, "all", false, "list the records of all servers of the account")
	a.parallelFlag(command, &parallel)
	a.kvmFlag(command)
	return command
}

func (a *app) list(ctx context.Context, all bool, parallel int) error {
	plans, err := a.plansToList(ctx, all)
	if err != nil {
		return err
	}
	progress := a.progress("reading", len(plans))
	sideBySide(ctx, plans, parallel, func(p *plan) error {
		defer progress.add(1)
		return p.list(ctx)
	})
	progress.end()
	if err := serverErrors(plans); err != nil && !all {
		return err
	}
	a.printLists(plans, all)
	return serverErrors(plans)
}

// plansToList returns a plan without steps for each server to list.
func (a *app) plansToList(ctx context.Context, all bool) (plans []*plan, err error) {
	if !all {
		t, errs := a.target(ctx)
		return []*plan{{target: t}}, errors.Join(errs...)
	}
	s, errs := a.service(ctx)
	account, err := s.account()
	if err = errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	sessions, err := account.Sessions(ctx)
	for _, session := range sessions {
		plans = append(plans, &plan{target: target{s.client, account.Server(session.KVMID), session.KVMID}})
	}
	return plans, err
}

// list fills a plan with the records of the server.
func (p *plan) list(ctx context.Context) error {
	current, err := p.client.ListPTR(ctx, p.source)
	for address, name := range current {
		p.steps = append(p.steps, &step{IP: address, From: name, To: name, Action: actionKeep, State: statePresent})
	}
	p.sort()
	p.kvmID = p.resolveKVMID(ctx)
	return err
}

// records returns the records of the plan as they are printed.
func (p *plan) records() []recordState {
	records := make([]recordState, len(p.steps))
	for i, s := range p.steps {
		records[i] = recordState{p.kvmID, s.IP, s.To, s.State}
	}
	return records
}

func (a *app) printLists(plans []*plan, all bool) {
	switch a.format {
	case outputYAML:
		a.printYAML(plans)
	case outputZone:
		a.printZone(plans)
	case outputJSON:
		if !all {
			a.printRecords(plans[0].kvmID, plans[0].records())
			return
		}
		servers := make([]serverRecords, len(plans))
		for i, p := range plans {
			servers[i] = serverRecords{KVMID: p.kvmID, Records: p.records()}
			if p.err != nil {
				servers[i].Error = causes(p.err)
			}
		}
		a.printJSON(map[string][]serverRecords{"servers": servers})
	default:
		var records []recordState
		for _, p := range plans {
			records = append(records, p.records()...)
		}
		a.printRecordTable(records, all)
	}
}

// printYAML prints a file of KVM IDs, addresses and names for apply.
func (a *app) printYAML(plans []*plan) {
	servers := make(map[string]map[string]string, len(plans))
	for _, p := range plans {
		if p.err != nil {
			continue
		}
		servers[p.kvmID] = make(map[string]string, len(p.steps))
		for _, s := range p.steps {
			servers[p.kvmID][s.IP.String()] = fileName(s.To)
		}
	}
	content, err := yaml.Marshal(servers)
	if err != nil {
		panic(fmt.Sprintf("edisptr: a map of strings does not marshal: %v", err))
	}
	_, _ = a.stdout.Write(content) // remembers its error
}

// fileName returns a name as apply reads it. A name that is not printable could not be
// applied in any form.
func fileName(name string) string {
	if checkLabels(name) != nil {
		name = dns.Fqdn(name)
	}
	return redact.Printable(name)
}

// printZone prints a zone file for apply, which finds the KVM IDs in the comments.
func (a *app) printZone(plans []*plan) {
	fmt.Fprintf(a.stdout, "$TTL %d ; not from the service\n", zoneTTL)
	for _, p := range plans {
		for _, s := range p.steps {
			header := dns.RR_Header{Name: dns.Fqdn(canonical.ReverseName(s.IP)), Rrtype: dns.TypePTR, Class: dns.ClassINET, Ttl: zoneTTL}
			record := &dns.PTR{Hdr: header, Ptr: dns.Fqdn(fileName(s.To))}
			fmt.Fprintf(a.stdout, "%s ; %s%s\n", record, kvmComment, redact.Printable(p.kvmID))
		}
	}
}
