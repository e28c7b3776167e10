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
		Short: "Run a fake EDIS on this machine",
		Long: `Sandbox runs a fake EDIS on loopback until it is interrupted: the API, and a
DNS server that serves the PTR records set through the API. In its DNS,
mail.example.com has the addresses 192.0.2.10 and 2001:db8::10.

On standard output, sandbox prints shell commands that set the environment for
the other commands:

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
	if a.stdout.err != nil {
		return nil // exec reports the error
	}
	fmt.Fprintf(a.stderr, "edisptr: fake EDIS running at %s; stop it with SIGINT or SIGTERM\n", server.URL)
	<-ctx.Done()
	return nil
}

// newSandbox starts a fake EDIS whose DNS has the addresses of one host name, so
// that check can confirm them.
func newSandbox() *edistest.Server {
	server := edistest.NewServer()
	server.AddHost("mail.example.com", netip.MustParseAddr("192.0.2.10"), netip.MustParseAddr("2001:db8::10"))
	return server
}

type envVar struct{ name, value string }

// sandboxEnvironment returns the environment in which the other commands use
// server. It has a login and, for use with curl, a session.
func sandboxEnvironment(server *edistest.Server) []envVar {
	session := server.Session()
	credentials := server.Credentials()
	return []envVar{
		{"EDIS_RDNS_URL", server.URL},
		{"EDIS_AUTH_URL", server.URL},
		{"EDIS_DNS", server.DNSAddr},
		{"EDIS_EMAIL", credentials.Email},
		{"EDIS_PASSWORD", credentials.Password},
		{"EDIS_KVM_ID", session.KVMID},
		{"EDIS_SIGNATURE", session.Signature},
		{"EDIS_VALID_UNTIL", strconv.FormatInt(session.ValidUntil.Unix(), 10)},
		{"EDIS_API_HOST", session.APIHost},
	}
}

// shellQuote quotes value as one word of a POSIX shell.
func shellQuote(value string) string {
	return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
}
