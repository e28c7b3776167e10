package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// passedOn are the signals that a command of sandbox gets from it. SIGINT is not: a
// terminal sends it to both.
var passedOn = []os.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT}

// runCommand runs a command with the variables of environment in place of the user's. It
// ends when the command does, and not before.
func (t tool) runCommand(ctx context.Context, environment []envVar, args []string) error {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, append([]os.Signal{os.Interrupt}, passedOn...)...)
	defer signal.Stop(signals)
	if ctx.Err() != nil { // a signal came before
		return childStatus(128 + int(syscall.SIGTERM))
	}
	command := exec.CommandContext(context.WithoutCancel(ctx), args[0], args[1:]...) //nolint:gosec // the user names the command
	command.Stdin, command.Stdout, command.Stderr = t.In, t.Out, t.Err
	command.Env = childEnvironment(os.Environ(), environment)
	if isTerminal(t.In) && isTerminal(t.Err) {
		t.note("edisptr: sandbox: edisptr talks to a fake EDIS on this machine until the command ends")
	}
	if err := command.Start(); err != nil {
		return failed(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	return statusOf(waitForCommand(ctx, command.Process, signals, ended))
}

// earlySignalDelay is how long after the end of ctx the signal that ended it can be
// received, if at all.
const earlySignalDelay = 100 * time.Millisecond

// waitForCommand passes signals on until a command ends, and returns its error. A signal
// that came before there was a command only ends ctx, perhaps later than the command
// starts. Then it ends the command.
func waitForCommand(ctx context.Context, process *os.Process, signals <-chan os.Signal, ended <-chan error) error {
	done, early := ctx.Done(), (<-chan time.Time)(nil)
	for {
		select {
		case received := <-signals:
			if received == os.Interrupt || received == syscall.SIGTERM {
				done, early = nil, nil // this one ended ctx
			}
			if received != os.Interrupt {
				_ = process.Signal(received) // fails if it has ended
			}
		case <-done:
			done, early = nil, time.After(earlySignalDelay)
		case <-early:
			_ = process.Signal(syscall.SIGTERM)
		case err := <-ended:
			return err
		}
	}
}

// childEnvironment returns the variables of the user, with those of the sandbox in place of
// the ones of the tool.
func childEnvironment(own []string, sandbox []envVar) (variables []string) {
	for _, variable := range own {
		if !strings.HasPrefix(variable, "EDIS_") {
			variables = append(variables, variable)
		}
	}
	for _, variable := range sandbox {
		variables = append(variables, fmt.Sprintf("%s=%s", variable.name, variable.value))
	}
	return variables
}

// statusOf returns the exit status of a command as an error, as in shells: 128 plus the
// number of the signal if one ended it.
func statusOf(err error) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return failed(err)
	}
	if wait, ok := exit.Sys().(syscall.WaitStatus); ok && wait.Signaled() {
		return childStatus(128 + int(wait.Signal()))
	}
	return childStatus(exit.ExitCode())
}
