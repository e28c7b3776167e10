package recordfile

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/edisptr/edis-go/pkg/internal/redact"
)

// An Error is one thing that is wrong with a file.
type Error struct {
	File         string // the name of its Source
	Line, Column int    // counted from 1; 0 if not known
	Key          string // the address or owner of the record, if there is one
	Value        string // what is wrong; may be empty
	Reason       string // why, and what to do
}

// Error returns the text in one line, such as
//
//	ptr.yaml, line 3, column 13: 192.0.2.10: mail..example.com: empty label
//
// Control characters of the file are replaced.
func (e *Error) Error() string {
	parts := []string{place(e.File, e.Line, e.Column)}
	for _, part := range []string{e.Key, e.Value} {
		if part != "" {
			parts = append(parts, redact.Clip(part, maxQuoted))
		}
	}
	return redact.Printable(strings.Join(append(parts, redact.Clip(e.Reason, maxReason)), ": "))
}

const (
	maxQuoted = 300  // bytes of a text of the file in an error
	maxReason = 1024 // a reason may quote the parser, which quotes the file
)

// place returns a place in a file as text.
func place(file string, line, column int) string {
	switch {
	case line == 0:
		return file
	case column == 0:
		return fmt.Sprintf("%s, line %d", file, line)
	default:
		return fmt.Sprintf("%s, line %d, column %d", file, line, column)
	}
}

// position is a place in one of the files. The line is 0 if it is not known, the column if
// it does not matter.
type position struct{ file, line, column int32 }

// errorList collects what is wrong with the files.
type errorList struct {
	errs    []*Error
	ofFile  int  // index of the first error of the current file
	stopped bool // the rest of the current file need not be read
}

// maxErrors is how many errors of a file are reported: more do not help anybody.
const maxErrors = 100

func (l *errorList) add(e *Error) {
	if l.stopped {
		return
	}
	if l.errs = append(l.errs, e); len(l.errs)-l.ofFile == maxErrors {
		l.errs = append(l.errs, &Error{File: e.File, Reason: fmt.Sprintf("has %d errors or more; the rest was not read", maxErrors)})
		l.stopped = true
	}
}

// only replaces all errors of the current file, and ends reading it.
func (l *errorList) only(e *Error) {
	l.errs = append(l.errs[:l.ofFile], e)
	l.stopped = true
}

func (l *errorList) startFile() { l.ofFile, l.stopped = len(l.errs), false }

// endFile sorts the errors of the file by their place. Those without a line come last.
func (l *errorList) endFile() {
	slices.SortStableFunc(l.errs[l.ofFile:], func(a, b *Error) int {
		return cmp.Or(cmp.Compare(cmp.Or(a.Line, math.MaxInt), cmp.Or(b.Line, math.MaxInt)), cmp.Compare(a.Column, b.Column))
	})
}

func (l *errorList) err() error {
	joined := make([]error, len(l.errs))
	for i, e := range l.errs {
		joined[i] = e
	}
	return errors.Join(joined...)
}
