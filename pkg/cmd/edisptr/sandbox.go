package main

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/edistest"
)

func (a *app) sandboxCommand() *cobra.Command {
	servers, delay := 1, time.Duration(0)
	command := &cobra.Command{
		Use:   "sandbox",
		Short: "Run a fake EDIS on this machine",
		Long: `Sandbox runs a fake EDIS on loopback until it is interrupted: the API, and a
DNS server that serves the PTR records set through the API. In its DNS,
mail.example.com has the addresses 192.0.2.10 and 2001:db8::10. With --servers,
the account has that many KVM servers, each with the PTR records of an IPv4 and
an IPv6 address.

On standard output, sandbox prints shell commands that set the environment for
the other commands:

  edisptr sandbox >env.sh &
  sleep 1; . ./env.sh
  edisptr set 192.0.2.10=mail.example.com
  edisptr check --resolver "$EDIS_DNS" 192.0.2.10
  dig -p "${EDIS_DNS##*:}" @"${EDIS_DNS%:*}" -x 192.0.2.10`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if servers < 1 || servers > maxFleet || delay < 0 {
				return usageError{fmt.Errorf("--servers must be 1 to %d, and --delay not negative", maxFleet)}
			}
			return a.sandbox(command.Context(), servers, delay)
		},
	}
	command.Flags().IntVar(&servers, "servers", 1, "give the account `N` KVM servers")
	command.Flags().DurationVar(&delay, "delay", 0, "delay each response, such as 50ms")
	return command
}

func (a *app) sandbox(ctx context.Context, servers int, delay time.Duration) error {
	server := newSandbox()
	defer server.Close()
	server.SetDelay(delay)
	environment := sandboxEnvironment(server)
	if servers > 1 {
		environment = fleetEnvironment(server, addFleet(server, servers))
	}
	for _, variable := range environment {
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

const maxFleet = 65536

// addFleet adds an account with so many KVM servers, each with an IPv4 and an IPv6
// address that have PTR records.
func addFleet(server *edistest.Server, servers int) edis.Credentials {
	account := edistest.Account{Email: "fleet@example.com", Password: "fleet-password"}
	ptrs := make(map[netip.Addr]string, 2*servers)
	for i := range servers {
		ip4 := netip.AddrFrom4([4]byte{198, 18, byte(i >> 8), byte(i)}) // RFC 2544: for tests
		ip6 := netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 0, 0, byte(i >> 8), byte(i), 15: 1})
		account.KVMs = append(account.KVMs, edistest.KVM{
			ID:          fmt.Sprintf("kvm_%d", 100001+i),
			Addresses:   []netip.Prefix{netip.PrefixFrom(ip4, 32), netip.PrefixFrom(ip6, 64)},
			PrimaryIP:   ip4,
			Description: fmt.Sprintf("server %d", 1+i),
		})
		ptrs[ip4] = fmt.Sprintf("host-%d.example.com", 1+i)
		ptrs[ip6] = ptrs[ip4]
	}
	server.AddAccount(account)
	server.SetPTRs(ptrs)
	return edis.Credentials{Email: account.Email, Password: account.Password}
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

// fleetEnvironment returns the environment for an account with many KVM servers. It has
// no session, which would be for one of them.
func fleetEnvironment(server *edistest.Server, credentials edis.Credentials) []envVar {
	return []envVar{
		{"EDIS_RDNS_URL", server.URL},
		{"EDIS_AUTH_URL", server.URL},
		{"EDIS_DNS", server.DNSAddr},
		{"EDIS_EMAIL", credentials.Email},
		{"EDIS_PASSWORD", credentials.Password},
	}
}

// shellQuote quotes value as one word of a POSIX shell.
func shellQuote(value string) string {
	return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
}
