package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/edisptr/edis-go/pkg/cmd/edisptr/internal/render"
	"github.com/edisptr/edis-go/pkg/edis"
)

func (t tool) serversCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "servers",
		Short: "List the KVM servers of the account",
		Long: `Servers logs in and lists the KVM servers of the account. If the login has no
usable session for one of them, it says so, and its exit status is 1.`,
		Args: noArguments,
		RunE: does(func(ctx context.Context, _ []string) (Result, error) { return t.servers(ctx) }),
	}
	describeJSON(command, `  servers                the servers, sorted by KVM ID
  servers[].kvm_id       KVM ID
  servers[].primary_ip   main address; empty if not known
  servers[].description  the owner's name for the server
  servers[].valid_until  end of the session, in UTC; empty without one
  servers[].suspended    whether the server is suspended
  servers[].usable       whether the session can be used`)
	nameVariables(command, loginVariables)
	return command
}

// serverJSON is a KVM server as servers prints it.
type serverJSON struct {
	KVMID       string `json:"kvm_id"`
	PrimaryIP   string `json:"primary_ip"`
	Description string `json:"description"`
	ValidUntil  string `json:"valid_until"`
	Suspended   bool   `json:"suspended"`
	Usable      bool   `json:"usable"`
}

func (t tool) servers(ctx context.Context) (Result, error) {
	account, err := t.ownAccount(ctx, t.promptForPassword)
	if err != nil {
		return Result{}, err
	}
	sessions, err := account.Sessions(ctx)
	if err != nil {
		return Result{}, err
	}
	list, unusable := make([]serverJSON, len(sessions)), 0
	table := [][]render.Cell{{{Text: "KVM ID"}, {Text: "PRIMARY IP"}, {Text: "SESSION UNTIL"}, {Text: "SUSPENDED"}, {Text: "DESCRIPTION"}}}
	for i, session := range sessions {
		list[i] = newServerJSON(session)
		table = append(table, serverRow(list[i]))
		if !list[i].Usable {
			unusable++
		}
	}
	body := render.Document{Table: table, JSON: map[string]any{"servers": list}}
	if len(sessions) == 0 {
		body.Lines = render.Lines("The account has no KVM servers.")
	}
	if unusable > 0 {
		err = failed(fmt.Errorf("%d of %d servers: the login has no usable session", unusable, len(sessions)))
	}
	return Result{Body: body}, err
}

func newServerJSON(session edis.Session) serverJSON {
	s := serverJSON{KVMID: session.KVMID, Description: session.Description, Suspended: session.Suspended, Usable: session.Signature != ""}
	if s.Usable {
		s.ValidUntil = session.ValidUntil.UTC().Format("2006-01-02T15:04:05Z")
	}
	if session.PrimaryIP.IsValid() {
		s.PrimaryIP = session.PrimaryIP.String()
	}
	return s
}

func serverRow(s serverJSON) []render.Cell {
	suspended, until := render.Cell{Text: "no"}, render.Cell{Text: s.ValidUntil}
	if s.Suspended {
		suspended = render.Cell{Text: "yes", Color: render.Red}
	}
	if !s.Usable {
		until = render.Cell{Text: "unusable", Color: render.Red}
	}
	return []render.Cell{{Text: s.KVMID}, {Text: s.PrimaryIP}, until, suspended, {Text: s.Description}}
}
