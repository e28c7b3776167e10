package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/term"

	"github.com/edisptr/edis-go/pkg/cmd/edisptr/internal/render"
	"github.com/edisptr/edis-go/pkg/edis"
)

// maxPasswordFile is far more than a password needs, and keeps a wrong file, such as an
// endless device, out of memory.
const maxPasswordFile = 64 << 10

// readPasswordFile returns the first line of a file. It stops waiting for a file, such as a
// named pipe, when ctx is done.
func (t tool) readPasswordFile(ctx context.Context, file string) (string, error) {
	content, err := waitFor(ctx, func() ([]byte, error) { return t.readSecretFile(file) })
	if err != nil && ctx.Err() != nil {
		return "", failed(err)
	}
	password, _, _ := strings.Cut(string(content), "\n")
	password = strings.TrimSuffix(password, "\r")
	var reason string
	switch {
	case err != nil:
		reason = "cannot be read: " + err.Error()
	case len(content) > maxPasswordFile:
		reason = fmt.Sprintf("has more than %d bytes; name a file with only the password", maxPasswordFile)
	case hasByteOrderMark(password):
		reason = "begins with a byte order mark, which is not part of a password; save the file as UTF-8 without it"
	case password == "":
		reason = "has an empty first line; write the password to it"
	default:
		return password, nil
	}
	return "", problems{&edis.InputError{Field: "EDIS_PASSWORD_FILE", Value: file, Reason: reason}}
}

// readSecretFile reads at most one byte more than a password file may have. It warns if
// others can read the file.
func (t tool) readSecretFile(file string) ([]byte, error) {
	opened, err := os.Open(file) //nolint:gosec // the user names the file
	if err != nil {
		return nil, err
	}
	defer func() { _ = opened.Close() }()
	const othersRead = 0o044
	if info, err := opened.Stat(); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&othersRead != 0 && runtime.GOOS != "windows" && !t.isCredential(file) {
		t.note(fmt.Sprintf("edisptr: warning: others can read EDIS_PASSWORD_FILE %q; run: chmod 600 %s", file, shellQuote(file)))
	}
	return io.ReadAll(io.LimitReader(opened, maxPasswordFile+1))
}

// isCredential reports whether systemd provides the file to this service. It has an access
// control list for that, which looks like a mode that lets a group read it.
func (t tool) isCredential(file string) bool {
	directory := t.Env("CREDENTIALS_DIRECTORY")
	return directory != "" && filepath.Dir(file) == filepath.Clean(directory)
}

// hasByteOrderMark reports whether text begins with the mark of UTF-8 or UTF-16.
func hasByteOrderMark(text string) bool {
	return strings.HasPrefix(text, "\ufeff") || strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff")
}

// A passwordPrompt asks for the password of an account.
type passwordPrompt func(ctx context.Context, email string) (string, error)

var errNoPassword = problems{&edis.InputError{Field: "EDIS_PASSWORD", Reason: "is not set, nor is EDIS_PASSWORD_FILE, and there is no terminal to ask for it"}}

func noPrompt(context.Context, string) (string, error) { return "", errNoPassword }

// promptForPassword asks for the password on the terminal, which does not show it.
func (t tool) promptForPassword(ctx context.Context, email string) (string, error) {
	terminal, err := t.openTerminal()
	if err != nil {
		return "", errNoPassword
	}
	fd := int(terminal.file.Fd())
	state, err := term.GetState(fd)
	if err != nil {
		return "", errNoPassword
	}
	terminal.prompt("Password of " + email + ": ")
	password, err := waitFor(ctx, func() ([]byte, error) { return term.ReadPassword(fd) })
	_ = term.Restore(fd, state) // ReadPassword may still wait
	terminal.show(render.Lines(""))
	if err == nil && len(password) == 0 {
		err = errors.New("no password was given")
	}
	return string(password), failed(err)
}
