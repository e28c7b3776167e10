//go:build unix

package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// edisptr returns a command line of edisptr, which is this test under another name.
func edisptr(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	link := filepath.Join(t.TempDir(), "edisptr")
	if err := os.Symlink(os.Args[0], link); err != nil {
		t.Skipf("needs symbolic links: %v", err)
	}
	command := exec.CommandContext(t.Context(), link, args...)
	command.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0", "EDIS_EMAIL=a@example.com")
	return command
}

// sandbox passes signals on to its command, and ends with its status.
func TestSandboxPassesSignalsOn(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT} {
		for script, want := range map[string]int{
			"trap 'exit 9' TERM HUP QUIT; echo ready; while :; do sleep 0.01; done": 9,
			"echo ready; exec sleep 60": 128 + int(signal),
		} {
			command := edisptr(t, "sandbox", "--", "sh", "-c", script)
			stdout, err := command.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := command.Start(); err != nil {
				t.Fatal(err)
			}
			_, _ = bufio.NewReader(stdout).ReadString('\n') // the command has started
			_ = command.Process.Signal(signal)
			_ = command.Wait()
			if got := command.ProcessState.ExitCode(); got != want {
				t.Errorf("sandbox -- sh -c %q after %v = %d, want %d", script, signal, got, want)
			}
		}
	}
}

// An interrupt is not passed on, since a terminal sends it to the command too. sandbox waits
// for the command.
func TestSandboxWaitsAfterInterrupt(t *testing.T) {
	t.Parallel()
	command := edisptr(t, "sandbox", "--", "sh", "-c", "trap 'exit 9' INT; echo ready; sleep 0.2; echo done")
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(stdout)
	_, _ = reader.ReadString('\n')
	_ = command.Process.Signal(syscall.SIGINT)
	_ = command.Process.Signal(syscall.SIGINT)
	line, _ := reader.ReadString('\n')
	_ = command.Wait()
	if got := command.ProcessState.ExitCode(); got != 0 || line != "done\n" {
		t.Errorf("sandbox after SIGINT = %d with %q, want 0 after the command", got, line)
	}
}

// A SIGTERM at any time after the start ends the sandbox and its command.
func TestSandboxIsTerminatedEarly(t *testing.T) {
	t.Parallel()
	for delay := time.Duration(0); delay <= 30*time.Millisecond; delay += 3 * time.Millisecond {
		command := edisptr(t, "sandbox", "--", "sleep", "60")
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(delay)
		took := endWith(command, syscall.SIGTERM)
		state := command.ProcessState.Sys().(syscall.WaitStatus)
		if took > time.Second || state.ExitStatus() != 128+int(syscall.SIGTERM) && state.Signal() != syscall.SIGTERM {
			t.Errorf("sandbox, SIGTERM after %v = %v after %v, want the status of SIGTERM within a second", delay, command.ProcessState, took)
		}
	}
}

// The first SIGINT or SIGTERM ends a command that reads a file.
func TestFirstSignalEndsReading(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		pipe := filepath.Join(t.TempDir(), "pipe")
		if err := syscall.Mkfifo(pipe, 0o600); err != nil {
			t.Fatal(err)
		}
		command := edisptr(t, "apply", "-n", "-f", pipe)
		var stderr strings.Builder
		command.Stderr = &stderr
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		writer, err := os.OpenFile(pipe, os.O_WRONLY, 0) // waits until the command opens it
		if err != nil {
			t.Fatal(err)
		}
		took := endWith(command, signal)
		if got := command.ProcessState.ExitCode(); took > time.Second || got != 1 || stderr.String() != "edisptr: interrupted\n" {
			t.Errorf("apply after %v = %v after %v, want status 1 within a second; stderr %s", signal, command.ProcessState, took, &stderr)
		}
		_ = writer.Close()
	}
}

// endWith sends a signal to a command, and returns how long it takes to end.
func endWith(command *exec.Cmd, signal os.Signal) time.Duration {
	sent := time.Now()
	_ = command.Process.Signal(signal)
	_ = command.Wait()
	return time.Since(sent)
}

// A sandbox without a command prints its variables, and runs until the first SIGINT or
// SIGTERM. -q leaves out where it runs.
func TestFirstSignalEndsSandbox(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		for _, test := range []struct {
			args   []string
			stderr string
		}{{[]string{"sandbox"}, "edisptr: fake EDIS running at http://127.0.0.1:"}, {[]string{"sandbox", "-q"}, ""}} {
			command := edisptr(t, test.args...)
			var stderr strings.Builder
			command.Stderr = &stderr
			stdout, err := command.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := command.Start(); err != nil {
				t.Fatal(err)
			}
			printed := bufio.NewReader(stdout)
			for range 9 {
				if line, err := printed.ReadString('\n'); !strings.HasPrefix(line, "export EDIS_") {
					t.Fatalf("%q prints %q, %v, want a variable", test.args, line, err)
				}
			}
			time.Sleep(20 * time.Millisecond) // it then says where it runs
			took := endWith(command, signal)
			if got := command.ProcessState.ExitCode(); took > time.Second || got != 0 || !strings.HasPrefix(stderr.String(), test.stderr) || test.stderr == "" && stderr.Len() > 0 {
				t.Errorf("%q after %v = %v after %v, want status 0 within a second; stderr %s", test.args, signal, command.ProcessState, took, &stderr)
			}
		}
	}
}
