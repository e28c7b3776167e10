package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/edisptr/edis-go/pkg/edistest"
)

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"edisptr": main}) }

// TestScripts runs the scripts in testdata/script, which read like a session. Each has a
// fake EDIS of its own, with the environment of "edisptr sandbox", in both forms of
// responses, since the service may use either. Besides the commands of testscript, a
// script has those of [scriptCommands], and a condition for each form. With
// UPDATE_SCRIPTS=1 in the environment, cmp corrects the files that it compares with.
func TestScripts(t *testing.T) {
	t.Parallel()
	for name, dialect := range map[string]edistest.Dialect{"documented": edistest.Documented, "recorded": edistest.Recorded} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if testing.Short() && name == "recorded" {
				t.Skip("one form is enough for the race detector")
			}
			testscript.Run(t, testscript.Params{
				Dir:                 "testdata/script",
				RequireExplicitExec: true,
				RequireUniqueNames:  true,
				UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "" && name == "documented",
				Cmds:                positiveCommands(),
				Condition:           func(condition string) (bool, error) { return condition == name, nil },
				Setup:               func(script *testscript.Env) error { return startEDIS(script, dialect) },
			})
		})
	}
}

// startEDIS starts the fake EDIS of a script.
func startEDIS(script *testscript.Env, dialect edistest.Dialect) error {
	tb := script.T().(testing.TB)
	server := edistest.NewServer()
	server.SetDialect(dialect)
	server.SetForwardRecords(true)
	session, credentials := server.Session(), server.Credentials()
	for name, value := range map[string]string{
		"EDIS_RDNS_URL": server.URL, "EDIS_AUTH_URL": server.URL, "EDIS_DNS": server.DNSAddr,
		"EDIS_EMAIL": credentials.Email, "EDIS_PASSWORD": string(credentials.Password), "EDIS_KVM_ID": session.KVMID,
		"EDIS_SIGNATURE": string(session.Signature), "EDIS_VALID_UNTIL": strconv.FormatInt(session.ValidUntil.Unix(), 10), "EDIS_API_HOST": session.APIHost,
		"GORACE": "atexit_sleep_ms=0", // a program with the race detector need not wait for a second
	} {
		script.Setenv(name, value)
	}
	script.Values[serverKey{}] = &scriptServer{Server: server}
	script.Defer(func() {
		if unused := server.UnusedFaults(); len(unused) > 0 {
			tb.Errorf("no call met the faults %+v", unused)
		}
		server.Close()
	})
	return nil
}

type serverKey struct{}

// scriptServer is the fake EDIS of a script.
type scriptServer struct {
	*edistest.Server
	printed int    // how many requests the script has seen
	restore func() // ends what refuse began
}

func serverOf(ts *testscript.TestScript) *scriptServer { return ts.Value(serverKey{}).(*scriptServer) }

// positiveCommands are the script commands, none of which takes a !.
func positiveCommands() map[string]func(*testscript.TestScript, bool, []string) {
	commands := make(map[string]func(*testscript.TestScript, bool, []string))
	for name, command := range scriptCommands {
		commands[name] = func(ts *testscript.TestScript, neg bool, args []string) {
			if neg {
				ts.Fatalf("%s does not support !", name)
			}
			command(ts, args)
		}
	}
	return commands
}

// scriptCommands are our own commands for scripts.
var scriptCommands = map[string]func(ts *testscript.TestScript, args []string){
	// status N PROGRAM [ARG ...] is exec of a program that must end with exit status N.
	"status": func(ts *testscript.TestScript, args []string) {
		got, err := 0, ts.Exec(args[1], args[2:]...)
		if exit := new(exec.ExitError); errors.As(err, &exit) {
			got = exit.ExitCode()
		} else {
			ts.Check(err)
		}
		if strconv.Itoa(got) != args[0] {
			ts.Fatalf("exit status %d, want %s", got, args[0])
		}
	},

	// match FILE1 FILE2 is cmp, but ... in FILE2 stands for any text within a line.
	"match": func(ts *testscript.TestScript, args []string) {
		got, want := ts.ReadFile(args[0]), ts.ReadFile(args[1])
		pattern := strings.ReplaceAll(regexp.QuoteMeta(want), `\.\.\.`, ".*")
		if !regexp.MustCompile(`\A` + pattern + `\z`).MatchString(got) {
			ts.Fatalf("%s is\n%swant %s\n%s", args[0], got, args[1], want)
		}
	},

	// fail OPERATION FAULT ... makes the next calls of an operation of the service fail,
	// each with an HTTP status or one of scriptFaults. A fault kvm_X:FAULT is for a call
	// of that server.
	"fail": func(ts *testscript.TestScript, args []string) {
		for _, name := range args[1:] {
			kvmID, name, limited := strings.Cut(name, ":")
			if !limited {
				kvmID, name = "", kvmID
			}
			fault, ok := scriptFaults[name]
			if !ok {
				status, err := strconv.Atoi(name)
				ts.Check(err)
				fault = edistest.Fault{Status: status}
			}
			fault.KVMID = kvmID
			serverOf(ts).Fail(args[0], fault)
		}
	},

	// refuse OPERATION STATUS makes all calls of an operation of the service fail, until
	// the command restore.
	"refuse": func(ts *testscript.TestScript, args []string) {
		status, err := strconv.Atoi(args[1])
		ts.Check(err)
		serverOf(ts).restore = serverOf(ts).FailAlways(args[0], edistest.Fault{Status: status})
	},
	"restore": func(ts *testscript.TestScript, _ []string) { serverOf(ts).restore() },

	// respond OPERATION FILE makes the body of the next response of an operation that of
	// the file.
	"respond": func(ts *testscript.TestScript, args []string) {
		serverOf(ts).Fail(args[0], edistest.Fault{Body: ts.ReadFile(args[1])})
	},

	// seed IP=HOST ... sets records that have always been there.
	"seed": func(ts *testscript.TestScript, args []string) {
		ptrs := make(map[netip.Addr]string)
		for _, arg := range args {
			address, name, _ := strings.Cut(arg, "=")
			ptrs[netip.MustParseAddr(address)] = name
		}
		serverOf(ts).SetPTRs(ptrs)
	},

	// fleet N logs in to an account of N servers, with the records that "edisptr sandbox
	// --servers N" has.
	"fleet": func(ts *testscript.TestScript, args []string) {
		servers, err := strconv.Atoi(args[0])
		ts.Check(err)
		account, ptrs := edistest.Account{Email: "fleet@example.com", Password: "fleet-password"}, make(map[netip.Addr]string)
		for i := range servers {
			ip4 := netip.AddrFrom4([4]byte{198, 18, byte(i >> 8), byte(i)})
			ip6 := netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 0, 0, byte(i >> 8), byte(i), 15: 1})
			account.KVMs = append(account.KVMs, edistest.KVM{
				ID: fmt.Sprint("kvm_", 100001+i), Addresses: []netip.Prefix{netip.PrefixFrom(ip4, 32), netip.PrefixFrom(ip6, 64)},
				PrimaryIP: ip4, Description: fmt.Sprint("server ", 1+i), Suspended: i == 1,
			})
			ptrs[ip4] = fmt.Sprintf("host-%d.example.com", 1+i)
			ptrs[ip6] = ptrs[ip4]
		}
		serverOf(ts).AddAccount(account)
		serverOf(ts).SetPTRs(ptrs)
		for _, name := range []string{"EDIS_KVM_ID", "EDIS_SIGNATURE", "EDIS_VALID_UNTIL", "EDIS_API_HOST"} {
			ts.Setenv(name, "")
		}
		ts.Setenv("EDIS_EMAIL", account.Email)
		ts.Setenv("EDIS_PASSWORD", account.Password)
	},

	// dialect recorded-paths lets the service respond only at the paths that the provider
	// once published.
	"dialect": func(ts *testscript.TestScript, args []string) {
		if args[0] != "recorded-paths" {
			ts.Fatalf("there is no dialect %q", args[0])
		}
		serverOf(ts).SetDialect(edistest.RecordedOnly)
	},

	// requests prints the requests to the service since it was last used, with the
	// field ip of their forms.
	"requests": func(ts *testscript.TestScript, _ []string) {
		server, stdout := serverOf(ts), ts.Stdout()
		requests := server.Requests()
		for _, request := range requests[server.printed:] {
			fmt.Fprintln(stdout, strings.TrimSpace(request.Path+" "+request.Form.Get("ip")))
		}
		server.printed = len(requests)
	},
}

// scriptFaults are faults that are not only a status.
var scriptFaults = map[string]edistest.Fault{
	"ok":    {Delay: 1},                           // none, to fail a later call
	"empty": {Body: "{}"},                         // a response that says nothing
	"lost":  {Status: 202, Body: "{}", Apply: -1}, // likewise, but the call is carried out
}
