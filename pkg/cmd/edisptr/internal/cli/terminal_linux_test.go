package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/term"
)

// A screen is a terminal with a person in front of it.
type screen struct {
	user, program *os.File // the ends of the pseudoterminal

	mutex sync.Mutex
	shown bytes.Buffer
	ended chan struct{}
}

func openScreen(t *testing.T) *screen {
	t.Helper()
	user, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("needs a pseudoterminal: %v", err)
	}
	var unlocked, number int32
	control(t, user, syscall.TIOCSPTLCK, &unlocked)
	control(t, user, syscall.TIOCGPTN, &number)
	program, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := &screen{user: user, program: program, ended: make(chan struct{})}
	go func() {
		_, _ = io.Copy(s, user) // ends with an error when the other end is closed
		close(s.ended)
	}()
	t.Cleanup(func() { _, _ = program.Close(), user.Close() })
	return s
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

func (s *screen) Write(text []byte) (int, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.shown.Write(text)
}

func (s *screen) text() string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.shown.String()
}

// waitFor waits until the screen shows a text.
func (s *screen) waitFor(t *testing.T, text string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(s.text(), text); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the terminal shows %q, want %q", s.text(), text)
		}
	}
}

// state returns the settings of the terminal.
func (s *screen) state(t *testing.T) term.State {
	t.Helper()
	state, err := term.GetState(int(s.program.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return *state
}

// waitUntilHidden waits until the terminal does not show any more what is typed, as it did
// with other settings.
func (s *screen) waitUntilHidden(t *testing.T, before term.State) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); s.state(t) == before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the terminal shows what is typed, want it hidden")
		}
	}
}

func (s *screen) enter(t *testing.T, typed string) {
	t.Helper()
	if _, err := io.WriteString(s.user, typed); err != nil {
		t.Fatal(err)
	}
}

// close ends the terminal, and returns all that it showed.
func (s *screen) close() string {
	_ = s.program.Close()
	<-s.ended
	return s.text()
}

// runOn runs edisptr with standard input on the terminal.
func (s *screen) runOn(ctx context.Context, env map[string]string, args ...string) <-chan result {
	results := make(chan result, 1)
	go func() { results <- runWith(ctx, s.program, env, args...) }()
	return results
}

// Colors are for a terminal that has them and a user who wants them.
func TestColors(t *testing.T) {
	t.Parallel()
	_, sandbox := startSandbox(t)
	for _, test := range []struct {
		name, value string
		colors      bool
	}{{"TERM", "xterm", true}, {"NO_COLOR", "", true}, {"NO_COLOR", "1", false}, {"TERM", "dumb", false}} {
		s := openScreen(t)
		var stderr bytes.Buffer
		status := Run(t.Context(), []string{"set", "192.0.2.1=a.example"}, IO{strings.NewReader(""), s.program, &stderr, lookup(with(sandbox, test.name, test.value))})
		shown := s.close()
		if colors := strings.Contains(shown, "\x1b[32mset\x1b[0m"); status != 0 || colors != test.colors || !test.colors && strings.Contains(shown, "\x1b") {
			t.Errorf("set on a terminal with %s=%s = %d, shows %q; want colors: %v", test.name, test.value, status, shown, test.colors)
		}
		s = openScreen(t)
		done := s.runOn(t.Context(), with(sandbox, test.name, test.value), "apply", "-f", writeFile(t, "f", "192.0.2.9: a.example\n"))
		s.waitFor(t, "Apply?")
		s.enter(t, "n\n")
		<-done
		if colors := strings.Contains(s.close(), "\x1b[32m+ 192.0.2.9 a.example\x1b[0m"); colors != test.colors {
			t.Errorf("apply asks with %s=%s: colors = %v, want %v", test.name, test.value, colors, test.colors)
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
		s := openScreen(t)
		done := s.runOn(t.Context(), env, "apply", "-f", writeFile(t, "f", "192.0.2.1: a.example\n"))
		s.waitFor(t, "1 to add, 0 to change, 0 to delete. Apply? [y/N] ")
		s.enter(t, typed)
		got := <-done
		want := map[bool]result{true: {0, "IP         NAME       STATE\n192.0.2.1  a.example  set\n1 set\n", ""}, false: {1, "", "edisptr: nothing changed\n"}}[applied]
		if _, ok := server.PTRs()[netip.MustParseAddr("192.0.2.1")]; got != want || ok != applied {
			t.Errorf("apply, and the user types %q = %+v with the records %v, want %+v", typed, got, server.PTRs(), want)
		}
	}
}

// What somebody else changes while the question waits is not touched.
func TestTwoOperators(t *testing.T) {
	t.Parallel()
	addr := netip.MustParseAddr("192.0.2.1")
	server, env := startSandbox(t)
	server.SetPTRs(map[netip.Addr]string{addr: "old.example"})
	s := openScreen(t)
	done := s.runOn(t.Context(), env, "apply", "-f", writeFile(t, "f", "192.0.2.1: mine.example\n"))
	s.waitFor(t, "Apply?")
	if got := run(t, env, "set", "192.0.2.1=theirs.example"); got.status != 0 {
		t.Fatalf("set = %+v", got)
	}
	s.enter(t, "y\n")
	got := <-done
	if got.status != 1 || !strings.Contains(got.stdout, "mine.example  changed\n1 changed\n") || !strings.Contains(got.stderr, `it is "theirs.example" now; nothing changed`) || server.PTRs()[addr] != "theirs.example" {
		t.Errorf("apply after a change by somebody else = %+v with the records %v, want the change reported and kept", got, server.PTRs())
	}
}

// A password that is typed is not shown, and works.
func TestPasswordPrompt(t *testing.T) {
	t.Parallel()
	server, env := startSandbox(t)
	for typed, status := range map[string]int{"edistest-password\n": 0, "wrong-password\n": 1, "\n": 1} {
		s := openScreen(t)
		logins, echoing := countRequests(server, loginPath), s.state(t)
		done := s.runOn(t.Context(), with(withLogin(env), "EDIS_PASSWORD", ""), "servers")
		s.waitFor(t, "Password of owner@example.com: ")
		s.waitUntilHidden(t, echoing)
		s.enter(t, typed)
		got, shown := <-done, s.close()
		if got.status != status || len(typed) > 1 && strings.Contains(shown, typed[:5]) {
			t.Errorf("servers, and the user types %q = %+v, shows %q; want status %d and no password", typed, got, shown, status)
		}
		if typed == "wrong-password\n" && countRequests(server, loginPath) != logins+1 {
			t.Errorf("servers with a wrong password logs in %d times, want once", countRequests(server, loginPath)-logins)
		}
	}
	s := openScreen(t)
	done := s.runOn(t.Context(), map[string]string{"EDIS_EMAIL": "a\x1b[2J@example.com"}, "servers")
	s.waitFor(t, "Password of a [2J@example.com: ")
	s.enter(t, "\n")
	<-done
}

// An interrupt ends a question within a second, and a password prompt shows again what is
// typed.
func TestInterruptEndsPrompts(t *testing.T) {
	t.Parallel()
	server, env := startSandbox(t)
	file := writeFile(t, "f", "192.0.2.1: a.example\n")
	for _, test := range []struct {
		args   []string
		prompt string
	}{{[]string{"apply", "-f", file}, "Apply? [y/N] "}, {[]string{"list"}, "Password of owner@example.com: "}} {
		s := openScreen(t)
		ctx, interrupt := context.WithCancel(t.Context())
		env := env
		if test.args[0] == "list" {
			env = with(withLogin(env), "EDIS_PASSWORD", "")
		}
		before := s.state(t)
		done := s.runOn(ctx, env, test.args...)
		s.waitFor(t, test.prompt)
		if test.args[0] == "list" {
			s.waitUntilHidden(t, before)
		}
		started := time.Now()
		interrupt()
		got := <-done
		if took := time.Since(started); got.status != 1 || got.stdout != "" || took > time.Second {
			t.Errorf("interrupted %q = %+v after %v, want status 1 within a second", test.args, got, took)
		}
		if after := s.state(t); after != before {
			t.Errorf("the terminal after an interrupted %q is %v, want %v", test.args, after, before)
		}
		s.enter(t, "\n") // ends the reading
	}
	if n := countWrites(server); n != 0 {
		t.Errorf("interrupted questions lead to %d writes, want none", n)
	}
}

// A terminal that can only be read is still one to ask on.
func TestQuestionOnReadOnlyTerminal(t *testing.T) {
	t.Parallel()
	s := openScreen(t)
	file, err := os.Open(s.program.Name())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	var stderr bytes.Buffer
	asking, err := tool{IO{file, nil, &stderr, lookup(nil)}, new(globalFlags)}.openTerminal()
	if err != nil {
		t.Fatal(err)
	}
	s.enter(t, "y\n")
	if yes := asking.ask(t.Context(), "Really?"); !yes || stderr.String() != "Really? [y/N] " {
		t.Errorf("ask = %v with %q on standard error, want yes and the question", yes, &stderr)
	}
}

// A progress bar is for a terminal, and for what takes longer than a second. It leaves
// nothing behind.
func TestProgress(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		quiet bool
		age   time.Duration
		drawn bool
	}{"long": {false, 2 * time.Second, true}, "short": {false, 0, false}, "quiet": {true, 2 * time.Second, false}} {
		s := openScreen(t)
		p := tool{IO{Err: s.program}, &globalFlags{quiet: test.quiet}}.progress("reading", 100)
		p.started = p.started.Add(-test.age)
		p.set(10)
		p.end()
		shown := s.close()
		if drawn := strings.Contains(shown, "reading"); drawn != test.drawn || !test.drawn && shown != "" {
			t.Errorf("%s: progress shows %q, want a bar: %v", name, shown, test.drawn)
		}
		if rest := shown[strings.LastIndex(shown, "\r")+1:]; test.drawn && strings.TrimSpace(rest) != "" {
			t.Errorf("%s: progress leaves %q behind", name, rest)
		}
	}
	s := openScreen(t)
	p := tool{IO{Err: s.program}, new(globalFlags)}.progress("reading", 100)
	p.started = p.started.Add(-2 * time.Second)
	p.set(10)
	p.end()
	p.begin("changing", 100) // while a person reads the plan, it takes no time
	p.set(1)
	p.end()
	if shown := s.close(); !strings.Contains(shown, "reading") || strings.Contains(shown, "changing") {
		t.Errorf("progress of a long and a short phase shows %q, want a bar of the first only", shown)
	}
	var stderr bytes.Buffer
	p = tool{IO{Err: &stderr}, new(globalFlags)}.progress("reading", 100)
	p.started = p.started.Add(-2 * time.Second)
	p.set(10)
	p.end()
	if stderr.Len() != 0 {
		t.Errorf("progress where there is no terminal prints %q, want nothing", &stderr)
	}
}

// In a terminal, the sandbox says what it is, and only there.
func TestSandboxBanner(t *testing.T) {
	t.Parallel()
	s := openScreen(t)
	status := Run(t.Context(), []string{"sandbox", "--", "true"}, IO{s.program, s.program, s.program, os.Getenv})
	if shown := s.close(); status != 0 || !strings.Contains(shown, "talks to a fake EDIS on this machine") {
		t.Errorf("sandbox on a terminal = %d, shows %q, want a banner", status, shown)
	}
	s = openScreen(t)
	Run(t.Context(), []string{"sandbox", "-q", "--", "true"}, IO{s.program, s.program, s.program, os.Getenv})
	if shown := s.close(); shown != "" {
		t.Errorf("sandbox -q shows %q, want nothing", shown)
	}
}

// A password file that others can read causes a warning, but not one that systemd provides,
// which looks as if a group could read it.
func TestWarningOfReadablePasswordFile(t *testing.T) {
	t.Parallel()
	_, sandbox := startSandbox(t)
	file := writeFile(t, "password", sandbox["EDIS_PASSWORD"]+"\n")
	for _, variable := range []string{"EDIS_PASSWORD", "EDIS_SIGNATURE"} {
		delete(sandbox, variable)
	}
	sandbox["EDIS_PASSWORD_FILE"] = file
	for mode, warned := range map[os.FileMode]bool{0o600: false, 0o640: true, 0o604: true} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		for _, test := range []struct {
			directory string
			args      []string
			warned    bool
		}{{"", []string{"servers"}, warned}, {"/elsewhere", []string{"servers"}, warned}, {filepath.Dir(file) + "/", []string{"servers"}, false}, {"", []string{"servers", "-q"}, false}} {
			sandbox["CREDENTIALS_DIRECTORY"] = test.directory
			got := run(t, sandbox, test.args...)
			if got.status != exitOK || strings.Contains(got.stderr, "others can read") != test.warned {
				t.Errorf("%v with mode %v and CREDENTIALS_DIRECTORY=%s = %+v, want a warning: %v", test.args, mode, test.directory, got, test.warned)
			}
		}
	}
}
