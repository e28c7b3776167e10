package main

import (
	"context"
	"errors"
	"net/netip"

	"github.com/spf13/cobra"

	"github.com/edisptr/edis-go/pkg/edis"
)

func (a *app) getCommand() *cobra.Command {
	command := &cobra.Command{
		Use:     "get IP ...",
		Short:   "Read PTR records",
		Example: "  edisptr get 192.0.2.10 2001:db8::10",
		Args:    atLeastOne("IP"),
		RunE: func(command *cobra.Command, args []string) error {
			return a.get(command.Context(), args)
		},
	}
	a.kvmFlag(command)
	return command
}

func (a *app) get(ctx context.Context, args []string) error {
	t, addresses, err := a.targetAndAddresses(ctx, args)
	if err != nil {
		return err
	}
	ptrs, err := t.client.GetPTR(ctx, t.source, addresses...)
	if err != nil {
		return err
	}
	states := make(map[netip.Addr]state, len(addresses))
	for _, address := range addresses {
		address = address.Unmap()
		states[address] = statePresent
		if ptrs[address] == "" {
			ptrs[address], states[address] = "", stateAbsent
		}
	}
	a.printRecords(t.resolveKVMID(ctx), sortedRecords(ptrs, states))
	return nil
}

func (a *app) deleteCommand() *cobra.Command {
	command := &cobra.Command{
		Use:     "delete IP ...",
		Short:   "Delete PTR records in one request",
		Example: "  edisptr delete 192.0.2.10 2001:db8::10",
		Args:    atLeastOne("IP"),
		RunE: func(command *cobra.Command, args []string) error {
			return a.delete(command.Context(), args)
		},
	}
	a.kvmFlag(command)
	return command
}

func (a *app) delete(ctx context.Context, args []string) error {
	t, addresses, err := a.targetAndAddresses(ctx, args)
	if err != nil {
		return err
	}
	want := make(map[netip.Addr]string, len(addresses))
	for _, address := range addresses {
		if _, duplicate := want[address]; duplicate {
			return &edis.InputError{Field: "argument", Value: address.String(), Reason: "duplicate address"}
		}
		want[address] = ""
	}
	return a.writeAndPrint(ctx, t, stateDeleted, want, nil)
}

// targetAndAddresses reads the environment and the arguments of a command that
// takes addresses. It returns the errors of both.
func (a *app) targetAndAddresses(ctx context.Context, args []string) (target, []netip.Addr, error) {
	addresses, errs := parseAddresses(args)
	t, envErrs := a.target(ctx)
	return t, addresses, errors.Join(append(errs, envErrs...)...)
}

func (a *app) serversCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "servers",
		Short: "List the KVM servers of the account",
		Args:  noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			return a.servers(command.Context())
		},
	}
	nameVariables(command, loginVariables)
	return command
}

// serverInfo is a KVM server as printed.
type serverInfo struct {
	KVMID       string `json:"kvm_id"`
	PrimaryIP   string `json:"primary_ip"`
	Description string `json:"description"`
	ValidUntil  string `json:"valid_until"`
	Suspended   bool   `json:"suspended"`
}

func (a *app) servers(ctx context.Context) error {
	service, errs := a.service(ctx)
	account, err := service.account()
	if err = errors.Join(append(errs, err)...); err != nil {
		return err
	}
	sessions, err := account.Sessions(ctx)
	if err != nil {
		return err
	}
	list := make([]serverInfo, len(sessions))
	for i, session := range sessions {
		list[i] = newServerInfo(session)
	}
	a.printServers(list)
	return nil
}

func newServerInfo(session edis.Session) serverInfo {
	s := serverInfo{
		KVMID:       session.KVMID,
		Description: session.Description,
		ValidUntil:  session.ValidUntil.UTC().Format("2006-01-02T15:04:05Z"),
		Suspended:   session.Suspended,
	}
	if session.PrimaryIP.IsValid() {
		s.PrimaryIP = session.PrimaryIP.String()
	}
	return s
}

func (a *app) printServers(list []serverInfo) {
	if a.format == outputJSON {
		a.printJSON(map[string][]serverInfo{"servers": list})
		return
	}
	rows := [][]cell{{{text: "KVM ID"}, {text: "PRIMARY IP"}, {text: "SESSION UNTIL"}, {text: "SUSPENDED"}, {text: "DESCRIPTION"}}}
	for _, s := range list {
		suspended := cell{text: "no"}
		if s.Suspended {
			suspended = cell{text: "yes", state: stateUnknown}
		}
		rows = append(rows, []cell{{text: s.KVMID}, {text: s.PrimaryIP}, {text: s.ValidUntil}, suspended, {text: s.Description}})
	}
	a.printTable(rows)
}
