package cli

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/edisptr/edis-go/pkg/cmd/edisptr/internal/recordfile"
	"github.com/edisptr/edis-go/pkg/edis"
)

// Exit statuses, also listed in the help.
const (
	exitOK      = 0
	exitFailed  = 1 // nothing changed
	exitUsage   = 2 // usage or input error; nothing changed
	exitUnknown = 3 // some records changed or may have changed
	exitDiffers = 4 // all went well, but something is not as it should be
)

// exitStatus returns the exit status for what a command returned. An error of which
// nothing is known has the status of an unknown outcome.
func exitStatus(result Result, err error) int {
	var child childStatus
	var output outputError
	switch {
	case err == nil && result.Differs:
		return exitDiffers
	case err == nil:
		return exitOK
	case errors.As(err, &child):
		return int(child)
	case errors.As(err, &output) && output.changed != "":
		return exitUnknown
	case errors.As(err, &output) && output.command != nil:
		return exitStatus(result, output.command)
	case isInput(err):
		return exitUsage
	case errors.As(err, &output), errors.As(err, new(failedError)):
		return exitFailed
	case edis.OutcomeOf(err) == edis.OutcomeUnknown:
		return exitUnknown
	}
	return exitFailed
}

// isInput reports whether an error is about the command line, the environment or a file,
// and nothing was changed.
func isInput(err error) bool {
	if errors.As(err, new(usageError)) || errors.As(err, new(problems)) || errors.As(err, new(*recordfile.Error)) {
		return true
	}
	return errors.Is(err, edis.ErrInvalidInput) && edis.OutcomeOf(err) != edis.OutcomeUnknown
}

// A usageError is about the flags or arguments.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// A failedError is an error before which nothing was changed.
type failedError struct{ error }

func (e failedError) Error() string { return reasonOf(e.error) }
func (e failedError) Unwrap() error { return e.error }

// failed returns a failedError for err, or nil for nil.
func failed(err error) error {
	if err == nil {
		return nil
	}
	return failedError{err}
}

// An about is an error with what it is about before it.
type about struct {
	what string
	error
}

func (e about) Error() string { return e.what + ": " + reasonOf(e.error) }
func (e about) Unwrap() error { return e.error }

// An outputError means that the result could not be written.
type outputError struct {
	err     error
	changed string // what was changed, which the result would have said; empty for nothing
	command error  // what the command returned, or nil
}

func (e outputError) Error() string   { return "cannot write the output: " + e.err.Error() }
func (e outputError) Unwrap() []error { return []error{e.err, e.command} }

// lines returns what to print. A reader that has seen enough, such as head, need not be
// told that it has gone.
func (e outputError) lines() (lines []string) {
	if e.command != nil {
		lines = errorLines(e.command)
	}
	switch {
	case e.changed != "":
		lines = append(lines, "edisptr: "+e.Error()+"; records were changed: "+e.changed)
	case !errors.Is(e.err, syscall.EPIPE):
		lines = append(lines, "edisptr: "+e.Error())
	}
	return lines
}

// A childStatus is the exit status of a command that sandbox ran, if it is not 0. The
// command has said why.
type childStatus int

func (s childStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// problems are what is wrong with the input of a command: its arguments and the
// environment. Each is an edis.InputError or a recordfile.Error.
type problems []error

func (p problems) Error() string   { return errors.Join(p...).Error() }
func (p problems) Unwrap() []error { return p }

func (p *problems) add(field, value, reason string) {
	*p = append(*p, &edis.InputError{Field: field, Value: value, Reason: reason})
}

// with adds what is wrong according to an error. It returns false if the error is not
// about input.
func (p *problems) with(err error) bool {
	if err == nil {
		return true
	}
	*p = append(*p, inputErrors(err)...)
	return isInput(err)
}

func (p problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}
