//go:build unix

package cli

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// wantInterrupted interrupts a command while it waits, and expects that it ends within a
// second.
func wantInterrupted(t *testing.T, stdin io.Reader, env map[string]string, wantStatus int, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	interrupted, interrupt := context.WithCancelCause(context.WithoutCancel(t.Context()))
	context.AfterFunc(ctx, func() { interrupt(context.Canceled) })
	started := time.Now()
	got := runWith(interrupted, stdin, env, args...)
	if took := time.Since(started); took > time.Second || got.status != wantStatus || !strings.Contains(got.stderr, "edisptr: interrupted") || strings.Contains(got.stdout, "skipped") {
		t.Errorf("interrupted %q = %+v after %v, want status %d within a second, and that it says so", args, got, took, wantStatus)
	}
}

// A named pipe that nobody writes to can be interrupted, whether it waits to be opened or
// to be read.
func TestInterruptEndsPipes(t *testing.T) {
	t.Parallel()
	for _, opened := range []bool{false, true} {
		pipe := filepath.Join(t.TempDir(), "pipe")
		if err := syscall.Mkfifo(pipe, 0o600); err != nil {
			t.Fatal(err)
		}
		openWriter := func() {
			writer, err := os.OpenFile(pipe, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = writer.Close() }) // also ends the reading
		}
		if opened {
			openWriter()
		}
		env := map[string]string{"EDIS_EMAIL": "a@example.com", "EDIS_PASSWORD_FILE": pipe}
		for _, args := range [][]string{
			{"servers"}, {"get", "192.0.2.1"}, {"set", "192.0.2.1=a.example"}, {"doctor"}, {"check", "--all"},
			{"apply", "-n", "-f", pipe}, {"check", "-f", pipe}, {"apply", "--yes", "-f", writeFile(t, "f", "192.0.2.1: a.example\n")},
		} {
			wantInterrupted(t, strings.NewReader(""), env, exitFailed, args...)
		}
		if !opened {
			openWriter() // lets the readers go on
		}
	}
	stdin, writer := io.Pipe()
	defer func() { _ = writer.Close() }()
	wantInterrupted(t, stdin, nil, exitFailed, "apply", "-n", "-f", "-")
}

// A response that never ends can be interrupted. A write then may have changed records.
func TestInterruptEndsResponses(t *testing.T) {
	t.Parallel()
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = io.WriteString(w, " ")
			_ = http.NewResponseController(w).Flush()
			time.Sleep(5 * time.Millisecond)
		}
	}))
	t.Cleanup(func() {
		endless.CloseClientConnections() // the login of an account goes on for other callers
		endless.Close()
	})
	_, env := startSandbox(t)
	env["EDIS_RDNS_URL"], env["EDIS_AUTH_URL"] = endless.URL, endless.URL
	for _, args := range [][]string{
		{"get", "192.0.2.1"}, {"list"}, {"servers"}, {"delete", "192.0.2.1"}, {"doctor"}, {"check", "--all"},
		{"apply", "--yes", "-f", writeFile(t, "f", "192.0.2.1: a.example\n192.0.2.2: a.example\n")},
	} {
		wantInterrupted(t, strings.NewReader(""), env, exitFailed, args...)
	}
	wantInterrupted(t, strings.NewReader(""), env, exitUnknown, "set", "192.0.2.1=a.example")
	if got := run(t, env, "get", "--timeout", "10ms", "192.0.2.1"); got.status != exitFailed || !strings.Contains(got.stderr, "--timeout") {
		t.Errorf("get --timeout 10ms of an endless response = %+v, want that it times out", got)
	}
}

// Lookups that nobody answers can be interrupted.
func TestInterruptEndsLookups(t *testing.T) {
	t.Parallel()
	address := startDNS(t, nil)
	wantInterrupted(t, strings.NewReader(""), nil, exitFailed, "check", "--resolver", address, "192.0.2.1", "192.0.2.2")
}
