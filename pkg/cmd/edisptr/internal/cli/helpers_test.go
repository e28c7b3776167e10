package cli

import (
	"bytes"
	"context"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edisptr/edis-go/pkg/edistest"
)

// A result is what a run of edisptr returns and prints.
type result struct {
	status         int
	stdout, stderr string
}

func run(t testing.TB, env map[string]string, args ...string) result {
	t.Helper()
	return runWith(t.Context(), strings.NewReader(""), env, args...)
}

func runWith(ctx context.Context, stdin io.Reader, env map[string]string, args ...string) result {
	var stdout, stderr bytes.Buffer
	status := Run(ctx, args, IO{stdin, &stdout, &stderr, lookup(env)})
	return result{status, stdout.String(), stderr.String()}
}

func lookup(env map[string]string) func(string) string {
	return func(name string) string { return env[name] }
}

// startSandbox starts a fake EDIS and returns the environment for using it with a session.
func startSandbox(t testing.TB) (*edistest.Server, map[string]string) {
	t.Helper()
	server := edistest.NewServer()
	t.Cleanup(server.Close)
	return server, environmentOf(sandboxEnvironment(server))
}

// startFleet starts a fake EDIS with an account of the given number of servers, and
// returns the environment for using it.
func startFleet(t testing.TB, servers int) (*edistest.Server, map[string]string) {
	t.Helper()
	server := edistest.NewServer()
	t.Cleanup(server.Close)
	return server, environmentOf(fleetEnvironment(server, addFleet(server, servers)))
}

func environmentOf(variables []envVar) map[string]string {
	env := make(map[string]string)
	for _, variable := range variables {
		env[variable.name] = variable.value
	}
	return env
}

// with returns a copy of env with one variable set.
func with(env map[string]string, name, value string) map[string]string {
	env = maps.Clone(env)
	if env == nil {
		env = make(map[string]string)
	}
	env[name] = value
	return env
}

// withLogin returns a copy of env without a session, so that commands log in.
func withLogin(env map[string]string) map[string]string {
	env = maps.Clone(env)
	for _, name := range []string{"EDIS_SIGNATURE", "EDIS_VALID_UNTIL", "EDIS_API_HOST", "EDIS_KVM_ID"} {
		delete(env, name)
	}
	return env
}

func writeFile(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// countRequests returns the number of requests to one of the paths.
func countRequests(server *edistest.Server, paths ...string) (count int) {
	for _, request := range server.Requests() {
		for _, path := range paths {
			if request.Path == path {
				count++
			}
		}
	}
	return count
}

func countWrites(server *edistest.Server) int { return countRequests(server, "/set/ptr", "/del/ptr") }
