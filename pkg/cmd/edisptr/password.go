package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/edisptr/edis-go/pkg/edis"
)

// maxPasswordFile is far more than a password needs, and keeps a wrong file, such as an
// endless device, out of memory.
const maxPasswordFile = 64 << 10

// readPassword returns the password in file, without the line end that most editors
// add. It stops waiting for a file, such as a named pipe, when ctx is done.
func readPassword(ctx context.Context, file string) (string, error) {
	var content []byte
	var err error
	read := make(chan struct{})
	go func() {
		content, err = readPasswordFile(file)
		close(read)
	}()
	select {
	case <-read:
	case <-ctx.Done():
		return "", fmt.Errorf("waiting for EDIS_PASSWORD_FILE %q: %w", file, context.Cause(ctx))
	}
	password := strings.TrimRight(string(content), "\r\n")
	var reason string
	switch {
	case err != nil:
		reason = err.Error()
	case len(content) > maxPasswordFile:
		reason = fmt.Sprintf("more than %d bytes; want a file with only the password", maxPasswordFile)
	case hasByteOrderMark(password):
		reason = "begins with a byte order mark, which is not part of a password; save the file as UTF-8 without it"
	case password == "":
		reason = "is empty; write the password to it"
	default:
		return password, nil
	}
	return "", &edis.InputError{Field: "EDIS_PASSWORD_FILE", Value: file, Reason: reason}
}

// readPasswordFile reads at most one byte more than a password file may have.
func readPasswordFile(file string) ([]byte, error) {
	opened, err := os.Open(file) //nolint:gosec // the user names the file
	if err != nil {
		return nil, err
	}
	defer func() { _ = opened.Close() }()
	return io.ReadAll(io.LimitReader(opened, maxPasswordFile+1))
}

// hasByteOrderMark reports whether text begins with the mark of UTF-8 or UTF-16.
func hasByteOrderMark(text string) bool {
	return strings.HasPrefix(text, "\ufeff") || strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff")
}
