package main

import (
	"context"
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
)

// problems are the refused items of a command line.
type problems []error

func (p *problems) add(field, value, reason string) {
	*p = append(*p, &edis.InputError{Field: field, Value: value, Reason: reason})
}

// parseAssignments reads arguments of the form IP=HOST.
func parseAssignments(args []string) (ptrs map[netip.Addr]string, bad problems) {
	ptrs = make(map[netip.Addr]string, len(args))
	for _, arg := range args {
		text, name, ok := strings.Cut(arg, "=")
		if !ok {
			bad.add("argument", arg, "want IP=HOST")
			continue
		}
		address, err := netip.ParseAddr(text)
		if err != nil {
			bad.add("address", text, "not an IP address")
			continue
		}
		if _, twice := ptrs[address]; twice {
			bad.add("address", text, "given more than once")
		}
		ptrs[address] = name
	}
	return ptrs, bad
}

// environmentSession is the source of the session in the environment.
type environmentSession struct{ env func(string) string }

// Session implements edis.SessionSource.
func (e environmentSession) Session(context.Context) (edis.Session, error) {
	var bad problems
	read := func(name string) string {
		value := e.env(name)
		if value == "" {
			bad.add(name, "", "not set; see edisptr help")
		}
		return value
	}
	session := edis.Session{
		KVMID:     read("EDIS_KVM_ID"),
		Signature: read("EDIS_SIGNATURE"),
		APIHost:   e.env("EDIS_API_HOST"),
	}
	if text := read("EDIS_VALID_UNTIL"); text != "" {
		seconds, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			bad.add("EDIS_VALID_UNTIL", text, "not a time in Unix seconds, such as 1737476000")
		}
		session.ValidUntil = time.Unix(seconds, 0)
	}
	return session, errors.Join(bad...)
}

// refusing is a source without a session. A call with it goes no further than
// the checks of its input, so that one run names what is wrong with the command
// line and what is wrong with the records in it.
type refusing struct{}

var errRefused = errors.New("refused")

// Session implements edis.SessionSource.
func (refusing) Session(context.Context) (edis.Session, error) { return edis.Session{}, errRefused }

// describe returns the text of an error for a person: where input was refused,
// one line for each item.
func describe(err error) string {
	items := refusedItems(err)
	if len(items) == 0 {
		return strings.TrimPrefix(err.Error(), "edis: ")
	}
	var text strings.Builder
	text.WriteString("invalid input, nothing sent:")
	for _, item := range items {
		text.WriteString("\n  " + item.Error())
	}
	return text.String()
}

// refusedItems returns the items of invalid input that err is made of.
func refusedItems(err error) []*edis.InputError {
	switch e := err.(type) { //nolint:errorlint // walks the tree itself
	case *edis.InputError:
		return []*edis.InputError{e}
	case interface{ Unwrap() []error }:
		var items []*edis.InputError
		for _, inner := range e.Unwrap() {
			items = append(items, refusedItems(inner)...)
		}
		return items
	case interface{ Unwrap() error }:
		return refusedItems(e.Unwrap())
	}
	return nil
}
