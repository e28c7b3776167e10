package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	osexec "os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/edisptr/edis-go/pkg/edistest"
)

// TestScripts runs the scripts in testdata/script, one for each command, which read like
// a session. Each has a fake EDIS of its own, with the environment of "edisptr sandbox".
// Besides the commands of testscript, a script has those of [scriptCommands]. With
// UPDATE_SCRIPTS=1 in the environment, cmp corrects the files that it compares with.
func TestScripts(t *testing.T) {
	t.Parallel()
	commands := make(map[string]func(*testscript.TestScript, bool, []string))
	for name, command := range scriptCommands {
		commands[name] = func(ts *testscript.TestScript, neg bool, args []string) {
			if neg {
				ts.Fatalf("%s does not support !", name)
			}
			command(ts, args)
		}
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Cmds:                commands,
		Setup: func(script *testscript.Env) error {
			tb := script.T().(testing.TB)
			server, env := startSandbox(tb)
			addMailHost(server)
			for name, value := range env {
				script.Setenv(name, value)
			}
			script.Setenv("GORACE", noRacePause)
			script.Values[serverKey{}] = &scriptServer{Server: server}
			script.Defer(func() {
				if unused := server.UnusedFaults(); len(unused) > 0 {
					tb.Errorf("no call met the faults %+v", unused)
				}
			})
			return nil
		},
	})
}

// noRacePause is the value of GORACE with which a program that has the race detector does
// not wait for a second before it ends.
const noRacePause = "atexit_sleep_ms=0"

type serverKey struct{}

// scriptServer is the fake EDIS of a script.
type scriptServer struct {
	*edistest.Server
	printed int // how many requests the script has seen
}

func serverOf(ts *testscript.TestScript) *scriptServer { return ts.Value(serverKey{}).(*scriptServer) }

// scriptCommands are our own commands for scripts.
var scriptCommands = map[string]func(ts *testscript.TestScript, args []string){
	// status N PROGRAM [ARG ...] is exec of a program that must end with exit status N.
	"status": func(ts *testscript.TestScript, args []string) {
		got, err := 0, ts.Exec(args[1], args[2:]...)
		if exit := new(osexec.ExitError); errors.As(err, &exit) {
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
	// each with an HTTP status or one of scriptFaults.
	"fail": func(ts *testscript.TestScript, args []string) {
		for _, name := range args[1:] {
			fault, ok := scriptFaults[name]
			if !ok {
				status, err := strconv.Atoi(name)
				ts.Check(err)
				fault = edistest.Fault{Status: status}
			}
			serverOf(ts).Fail(args[0], fault)
		}
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

	// fleet N changes the environment to that of "edisptr sandbox --servers N".
	"fleet": func(ts *testscript.TestScript, args []string) {
		servers, err := strconv.Atoi(args[0])
		ts.Check(err)
		server := serverOf(ts).Server
		for _, variable := range sandboxEnvironment(server) {
			ts.Setenv(variable.name, "")
		}
		for _, variable := range fleetEnvironment(server, addFleet(server, servers)) {
			ts.Setenv(variable.name, variable.value)
		}
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

// The command line session in README.md works as printed there.
func TestReadmeTour(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, tour, _ := strings.Cut(string(readme), "```console\n")
	tour, _, _ = strings.Cut(tour, "```\n")
	commands := strings.Split(tour, "$ ")[1:]
	if len(commands) < 5 || !strings.HasPrefix(commands[0], "edisptr sandbox -- ") {
		t.Fatalf("the tour of README.md has %d commands, want one that starts a sandbox, and others in it", len(commands))
	}
	server, env := startSandbox(t)
	addMailHost(server)
	for _, command := range commands[1:] {
		line, want, _ := strings.Cut(command, "\n")
		line, _, _ = strings.Cut(line, " #")
		if got := runShellCommand(t, env, line); got != want {
			t.Errorf("$ %s\nprints\n%s\nwant\n%s", line, got, want)
		}
	}
}
