//go:build unix

package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A command that opens or reads a named pipe that nobody writes to can be interrupted.
func TestPasswordPipeIsInterrupted(t *testing.T) {
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
		for _, args := range [][]string{{"servers"}, {"get", "192.0.2.1"}, {"set", "192.0.2.1=a.example"}, {"apply", "--yes", "-f", writeFile(t, "f", "192.0.2.1: a.example\n")}} {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			var stdout, stderr bytes.Buffer
			status := exec(ctx, args, strings.NewReader(""), &stdout, &stderr, func(name string) string { return env[name] })
			cancel()
			if status != 1 || !strings.Contains(stderr.String(), "waiting for EDIS_PASSWORD_FILE") {
				t.Errorf("interrupted %q = %d, stderr %s, want 1 and what it waited for", args, status, &stderr)
			}
		}
		if !opened {
			openWriter() // lets the readers go on
		}
	}
}
