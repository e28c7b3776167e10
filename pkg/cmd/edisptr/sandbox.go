package main

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/edisptr/edis-go/pkg/edistest"
)

func (a *app) sandboxCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "sandbox",
		Short: "Run a fake EDIS on this machine, to try things out",
		Long: `Runs a fake EDIS on loopback until interrupted: its API, and a DNS server that
answers from the records set through it, and has mail.example.com at 192.0.2.10
and 2001:db8::10. Standard output holds only the lines that make the other
commands of a shell use it:

  edisptr sandbox >env.sh &
  sleep 1; . ./env.sh
  edisptr set 192.0.2.10=mail.example.com
  edisptr check --resolver "$EDIS_DNS" 192.0.2.10
  dig -p "${EDIS_DNS##*:}" @"${EDIS_DNS%:*}" -x 192.0.2.10`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return a.sandbox(command.Context())
		},
	}
}

func (a *app) sandbox(ctx context.Context) error {
	server := newSandbox()
	defer server.Close()
	for _, variable := range sandboxEnvironment(server) {
		fmt.Fprintf(a.stdout, "export %s=%s\n", variable.name, shellQuote(variable.value))
	}
	if a.stdout.failure != nil {
		return nil // nobody could find the sandbox
	}
	fmt.Fprintf(a.stderr, "edisptr: a fake EDIS runs at %s until SIGINT or SIGTERM\n", server.URL)
	<-ctx.Done()
	return nil
}

// newSandbox is a fake EDIS whose DNS has one host name with addresses, for
// check to confirm.
func newSandbox() *edistest.Server {
	server := edistest.NewServer()
	server.AddHost("mail.example.com", netip.MustParseAddr("192.0.2.10"), netip.MustParseAddr("2001:db8::10"))
	return server
}

type variable struct{ name, value string }

// sandboxEnvironment is what the other commands need to work against server: a
// login, and for curl a session.
func sandboxEnvironment(server *edistest.Server) []variable {
	session := server.Session()
	email, password := server.Credentials()
	return []variable{
		{"EDIS_RDNS_URL", server.URL},
		{"EDIS_AUTH_URL", server.URL},
		{"EDIS_DNS", server.DNSAddr},
		{"EDIS_EMAIL", email},
		{"EDIS_PASSWORD", password},
		{"EDIS_KVM_ID", session.KVMID},
		{"EDIS_SIGNATURE", session.Signature},
		{"EDIS_VALID_UNTIL", strconv.FormatInt(session.ValidUntil.Unix(), 10)},
		{"EDIS_API_HOST", session.APIHost},
	}
}

// shellQuote makes one word of value for a POSIX shell.
func shellQuote(value string) string {
	return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
}
