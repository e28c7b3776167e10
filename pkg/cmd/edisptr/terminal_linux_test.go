package main

import (
	"bytes"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// openTerminal returns a terminal on which the user has typed something, and a function
// that closes it and returns what it shows.
func openTerminal(t *testing.T, typed string) (file *os.File, shown func() string) {
	t.Helper()
	user, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("needs a pseudoterminal: %v", err)
	}
	var unlocked, number int32
	control(t, user, syscall.TIOCSPTLCK, &unlocked)
	control(t, user, syscall.TIOCGPTN, &number)
	file, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(user, typed); err != nil {
		t.Fatal(err)
	}
	var screen bytes.Buffer
	read := make(chan struct{})
	go func() {
		_, _ = io.Copy(&screen, user) // ends with an error when the other end is closed
		close(read)
	}()
	t.Cleanup(func() { _, _ = file.Close(), user.Close() })
	return file, func() string {
		_ = file.Close()
		<-read
		return screen.String()
	}
}

// control makes a request to the driver of a terminal.
func control(t *testing.T, file *os.File, request uintptr, value *int32) {
	t.Helper()
	conn, err := file.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err = conn.Control(func(fd uintptr) {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, fd, request, uintptr(unsafe.Pointer(value))); errno != 0 {
			t.Fatal(errno)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Colors are for a terminal that has them and a user who wants them.
func TestColors(t *testing.T) {
	t.Parallel()
	_, sandbox := startSandbox(t)
	for _, test := range []struct {
		name, value string
		colors      bool
	}{{"TERM", "xterm", true}, {"NO_COLOR", "", true}, {"NO_COLOR", "1", false}, {"TERM", "dumb", false}} {
		env := with(sandbox, test.name, test.value)
		file, shown := openTerminal(t, "")
		var stderr bytes.Buffer
		status := exec(t.Context(), []string{"set", "192.0.2.1=a.example"}, strings.NewReader(""), file, &stderr, func(name string) string { return env[name] })
		screen := shown()
		if colors := strings.Contains(screen, "\x1b[32mset"); status != 0 || colors != test.colors || !test.colors && strings.Contains(screen, "\x1b") {
			t.Errorf("set on a terminal with %s=%s = %d, shows %q; want colors: %v", test.name, test.value, status, screen, test.colors)
		}
	}
	if got := run(t, with(sandbox, "TERM", "xterm"), "set", "192.0.2.1=a.example"); got.status != 0 || strings.Contains(got.stdout, "\x1b") {
		t.Errorf("set = %+v, want no colors where there is no terminal", got)
	}
}

// Apply changes nothing unless the user says yes.
func TestApplyAsks(t *testing.T) {
	t.Parallel()
	for typed, applied := range map[string]bool{
		"y\n": true, "yes\n": true, "  YES \n": true, "Y\n": true,
		"n\n": false, "\n": false, "no\n": false, "yess\n": false, "yy\n": false, "\x04": false, // end of input
	} {
		server, env := startSandbox(t)
		stdin, screen := openTerminal(t, typed)
		var stdout, stderr bytes.Buffer
		status := exec(t.Context(), []string{"apply", "-f", writeFile(t, "f", "192.0.2.1: a.example\n")}, stdin, &stdout, &stderr, func(name string) string { return env[name] })
		_ = screen()
		want := map[bool]int{true: 0, false: 1}[applied]
		if _, ok := server.PTRs()[netip.MustParseAddr("192.0.2.1")]; status != want || ok != applied {
			t.Errorf("apply, and the user types %q = %d with the records %v, want %d; stderr %s", typed, status, server.PTRs(), want, &stderr)
		}
		if !strings.HasPrefix(stderr.String(), "Change 1 record? [y/N] ") || !applied && !strings.HasSuffix(stderr.String(), "edisptr: nothing changed\n") {
			t.Errorf("apply, and the user types %q: stderr = %q", typed, &stderr)
		}
	}
}
