//go:build unix

package cli

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"time"
)

// A signal that ended the context before it could be received ends the command. One that is
// received is passed on once, and an interrupt not at all.
func TestWaitForCommand(t *testing.T) {
	t.Parallel()
	enabled := make(chan os.Signal, 1)
	signal.Notify(enabled, passedOn...) // as sandbox does; else commands ignore what the shell of this test ignores
	t.Cleanup(func() { signal.Stop(enabled) })
	for name, test := range map[string]struct {
		received []os.Signal // after the context has ended
		want     syscall.Signal
	}{
		"early":               {nil, syscall.SIGTERM},
		"terminated":          {[]os.Signal{syscall.SIGTERM}, syscall.SIGTERM},
		"interrupted":         {[]os.Signal{os.Interrupt}, 0},
		"interrupted, hangup": {[]os.Signal{os.Interrupt, syscall.SIGHUP}, syscall.SIGHUP},
		"quit, and early":     {[]os.Signal{syscall.SIGQUIT}, syscall.SIGQUIT},
	} {
		command := exec.CommandContext(t.Context(), "sleep", "0.4")
		if err := command.Start(); err != nil {
			t.Skipf("needs sleep: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		signals, ended := make(chan os.Signal, len(test.received)), make(chan error, 1)
		for _, signal := range test.received {
			signals <- signal
		}
		go func() { ended <- command.Wait() }()
		started := time.Now()
		err := waitForCommand(ctx, command.Process, signals, ended)
		exit := new(exec.ExitError)
		got := syscall.Signal(0)
		if errors.As(err, &exit) {
			got = exit.Sys().(syscall.WaitStatus).Signal()
		}
		if got != test.want {
			t.Errorf("%s: waitForCommand = %v after %v, want the command to end with signal %d", name, err, time.Since(started), test.want)
		}
	}
}
