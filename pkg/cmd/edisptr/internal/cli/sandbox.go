package cli

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

// sandboxOptions are the flags of sandbox.
type sandboxOptions struct {
	listen  string
	servers int
	delay   time.Duration
	dialect string
}

func (t tool) sandboxCommand() *cobra.Command {
	var options sandboxOptions
	command := &cobra.Command{
		Use:   "sandbox [-- COMMAND [ARG ...]]",
		Short: "Run a fake EDIS on this machine",
		Long: `Sandbox runs a fake EDIS on loopback. It serves the API, and its DNS server
serves the PTR records that are set through the API. In this DNS, the name of
each record resolves to the address of the record.

With a COMMAND, sandbox runs it with the environment variables of the other
commands set, and exits with its exit status. Without one, sandbox prints shell
commands that set the variables, and runs until it is interrupted.

With --servers, the account has that many KVM servers, each with the PTR records
of an IPv4 and an IPv6 address. With --dialect recorded, the API responds in the
form that the provider once published, not as documented. With recorded-paths,
it does so only at the paths of that time.`,
		Example: `  edisptr sandbox -- sh
  edisptr sandbox --servers 12 -- edisptr check --all
  edisptr sandbox -- sh -c 'edisptr set 192.0.2.10=mail.example.com'`,
		Args: func(command *cobra.Command, args []string) error {
			if len(args) > 0 && command.ArgsLenAtDash() != 0 {
				return fmt.Errorf("unexpected argument %q; a command to run comes after --", args[0])
			}
			return nil
		},
		RunE: does(func(ctx context.Context, args []string) (Result, error) {
			return Result{}, t.sandbox(ctx, options, args)
		}),
	}
	flags := command.Flags()
	flags.StringVar(&options.listen, "listen", "127.0.0.1:0", "serve the API at this loopback address; port 0\nmeans any free port")
	placeholder(command, "listen", "HOST:PORT")
	flags.IntVar(&options.servers, "servers", 1, "give the account this many KVM servers")
	placeholder(command, "servers", "N")
	flags.DurationVar(&options.delay, "delay", 0, "delay each response by this time, such as 50ms")
	placeholder(command, "delay", "TIME")
	flags.StringVar(&options.dialect, "dialect", dialectNames[0], "form of the responses: documented, recorded or\nrecorded-paths")
	completeFlag(command, "dialect", cobra.FixedCompletions(dialectNames, cobra.ShellCompDirectiveNoFileComp))
	return command
}

// dialectNames are the values of --dialect, in the order of the dialects.
var dialectNames = []string{"documented", "recorded", "recorded-paths"}

var dialects = map[string]edistest.Dialect{
	dialectNames[0]: edistest.Documented,
	dialectNames[1]: edistest.Recorded,
	dialectNames[2]: edistest.RecordedOnly,
}

func (o sandboxOptions) check() error {
	_, known := dialects[o.dialect]
	switch {
	case o.servers < 1 || o.servers > maxFleet || o.delay < 0:
		return usagef("--servers must be 1 to %d, and --delay not negative", maxFleet)
	case !known:
		return usagef("there is no --dialect %q; use %s", o.dialect, anyOf(dialectNames))
	}
	return nil
}

// sandbox runs a fake EDIS. It prints by itself: the variables must be there while it runs.
func (t tool) sandbox(ctx context.Context, options sandboxOptions, command []string) error {
	if err := options.check(); err != nil {
		return err
	}
	server, err := edistest.Listen(options.listen)
	if err != nil {
		return usagef("--listen: %w", err)
	}
	defer server.Close()
	server.SetForwardRecords(true)
	server.SetDelay(options.delay)
	server.SetDialect(dialects[options.dialect])
	environment := sandboxEnvironment(server)
	if options.servers > 1 {
		environment = fleetEnvironment(server, addFleet(server, options.servers))
	}
	if len(command) > 0 {
		return t.runCommand(ctx, environment, command)
	}
	for _, variable := range environment {
		if _, err := fmt.Fprintf(t.Out, "export %s=%s\n", variable.name, shellQuote(variable.value)); err != nil {
			return outputError{err: err}
		}
	}
	t.note(fmt.Sprintf("edisptr: fake EDIS running at %s; stop it with SIGINT or SIGTERM", server.URL))
	<-ctx.Done()
	return nil
}

const maxFleet = 65536

// addFleet adds an account with the given number of KVM servers, each with an IPv4 and an
// IPv6 address that have PTR records.
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
	return edis.Credentials{Email: account.Email, Password: edis.Secret(account.Password)}
}

type envVar struct{ name, value string }

// sandboxEnvironment returns the environment in which the other commands use
// server. It has a login and, for use with curl, a session.
func sandboxEnvironment(server *edistest.Server) []envVar {
	session := server.Session()
	return append(fleetEnvironment(server, server.Credentials()),
		envVar{"EDIS_KVM_ID", session.KVMID},
		envVar{"EDIS_SIGNATURE", string(session.Signature)},
		envVar{"EDIS_VALID_UNTIL", strconv.FormatInt(session.ValidUntil.Unix(), 10)},
		envVar{"EDIS_API_HOST", session.APIHost},
	)
}

// fleetEnvironment returns the environment for an account with many KVM servers. It has
// no session, which would be for one of them.
func fleetEnvironment(server *edistest.Server, credentials edis.Credentials) []envVar {
	return []envVar{
		{"EDIS_RDNS_URL", server.URL},
		{"EDIS_AUTH_URL", server.URL},
		{"EDIS_DNS", server.DNSAddr},
		{"EDIS_EMAIL", credentials.Email},
		{"EDIS_PASSWORD", string(credentials.Password)},
	}
}

// shellQuote quotes value as one word of a POSIX shell.
func shellQuote(value string) string {
	return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
}
