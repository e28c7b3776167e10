package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	osexec "os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
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

func (a *app) sandboxCommand() *cobra.Command {
	var options sandboxOptions
	command := &cobra.Command{
		Use:   "sandbox [-- COMMAND [ARG ...]]",
		Short: "Run a fake EDIS on this machine",
		Long: `Sandbox runs a fake EDIS on loopback: the API, and a DNS server that serves the
PTR records set through the API. In its DNS, mail.example.com has the addresses
192.0.2.10 and 2001:db8::10.

With a COMMAND, sandbox runs it with the environment variables of the other
commands set, and exits with its exit status. Without one, sandbox prints shell
commands that set the variables, and runs until it is interrupted.

With --servers, the account has that many KVM servers, each with the PTR records
of an IPv4 and an IPv6 address. With --dialect recorded, the API responds in the
form that the provider once published, not as documented.`,
		Example: `  edisptr sandbox -- sh
  edisptr sandbox --servers 3 -- edisptr list --all
  edisptr sandbox -- sh -c 'edisptr check --resolver "$EDIS_DNS" 192.0.2.10'`,
		Args: func(command *cobra.Command, args []string) error {
			if len(args) > 0 && command.ArgsLenAtDash() != 0 {
				return fmt.Errorf("unexpected argument %q; a command to run comes after --", args[0])
			}
			return nil
		},
		RunE: func(command *cobra.Command, args []string) error {
			return a.sandbox(command.Context(), options, args)
		},
	}
	flags := command.Flags()
	flags.StringVar(&options.listen, "listen", "127.0.0.1:0", "serve the API at `HOST:PORT`,\non loopback")
	flags.IntVar(&options.servers, "servers", 1, "give the account `N` KVM servers")
	flags.DurationVar(&options.delay, "delay", 0, "delay each response by this time, such as 50ms")
	flags.StringVar(&options.dialect, "dialect", dialectDocumented, "form of the responses: documented or\nrecorded")
	completeFlag(command, "dialect", cobra.FixedCompletions([]string{dialectDocumented, dialectRecorded}, cobra.ShellCompDirectiveNoFileComp))
	return command
}

const dialectDocumented, dialectRecorded = "documented", "recorded"

func (o sandboxOptions) check() error {
	switch {
	case o.servers < 1 || o.servers > maxFleet || o.delay < 0:
		return usageError{fmt.Errorf("--servers must be 1 to %d, and --delay not negative", maxFleet)}
	case o.dialect != dialectDocumented && o.dialect != dialectRecorded:
		return usageError{fmt.Errorf("invalid --dialect %q: want %s or %s", o.dialect, dialectDocumented, dialectRecorded)}
	}
	return nil
}

func (a *app) sandbox(ctx context.Context, options sandboxOptions, command []string) error {
	if err := options.check(); err != nil {
		return err
	}
	server, err := edistest.Listen(options.listen)
	if err != nil {
		return usageError{fmt.Errorf("--listen: %w", err)}
	}
	defer server.Close()
	addMailHost(server)
	server.SetDelay(options.delay)
	if options.dialect == dialectRecorded {
		server.SetDialect(edistest.Recorded)
	}
	environment := sandboxEnvironment(server)
	if options.servers > 1 {
		environment = fleetEnvironment(server, addFleet(server, options.servers))
	}
	if len(command) > 0 {
		return a.runCommand(ctx, environment, command)
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

// commandError is the exit status of a command that sandbox ran, if it is not 0. The
// command has said why.
type commandError int

func (e commandError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// runCommand runs a command with the variables of environment in place of the user's. It
// ends when the command does, and not before: an interrupt reaches the command through the
// terminal, and SIGTERM is passed on.
func (a *app) runCommand(ctx context.Context, environment []envVar, args []string) error {
	command := osexec.CommandContext(context.WithoutCancel(ctx), args[0], args[1:]...) //nolint:gosec // the user names the command
	command.Stdin, command.Stdout, command.Stderr = a.stdin, a.stdout.Writer, a.stderr
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "EDIS_") {
			command.Env = append(command.Env, variable)
		}
	}
	for _, variable := range environment {
		command.Env = append(command.Env, variable.name+"="+variable.value)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	if err := command.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	for {
		select {
		case received := <-signals:
			if received == syscall.SIGTERM {
				_ = command.Process.Signal(received) // fails if it has ended
			}
		case err := <-ended:
			return statusOf(err)
		}
	}
}

// statusOf returns the exit status of a command as an error, as in shells: 128 plus the
// number of the signal if one ended it.
func statusOf(err error) error {
	var failed *osexec.ExitError
	if !errors.As(err, &failed) {
		return err
	}
	if wait, ok := failed.Sys().(syscall.WaitStatus); ok && wait.Signaled() {
		return commandError(128 + int(wait.Signal()))
	}
	return commandError(failed.ExitCode())
}

// newSandbox starts a fake EDIS whose DNS has the addresses of one host name, so
// that check can confirm them.
func newSandbox() *edistest.Server {
	server := edistest.NewServer()
	addMailHost(server)
	return server
}

func addMailHost(server *edistest.Server) {
	server.AddHost("mail.example.com", netip.MustParseAddr("192.0.2.10"), netip.MustParseAddr("2001:db8::10"))
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
