package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/internal/canonical"
)

// inputErrors collects what is wrong with the input of a command: its arguments,
// its files and the environment.
type inputErrors []error

func (e *inputErrors) add(field, value, reason string) {
	*e = append(*e, &edis.InputError{Field: field, Value: value, Reason: reason})
}

// assignment is an argument of the form IP=HOST.
type assignment struct {
	address netip.Addr
	name    string
}

func parseAssignments(args []string) (assignments []assignment, errs inputErrors) {
	for _, arg := range args {
		text, name, ok := strings.Cut(arg, "=")
		if !ok {
			errs.add("argument", arg, "want IP=HOST")
			continue
		}
		address, err := netip.ParseAddr(text)
		if err != nil {
			errs.add("argument", arg, "invalid IP address, want IP=HOST")
			continue
		}
		if err := checkLabels(name); err != nil {
			errs.add(text, name, err.Error())
		}
		if slices.ContainsFunc(assignments, func(a assignment) bool { return a.address == address }) {
			errs.add("argument", arg, "duplicate address")
		}
		assignments = append(assignments, assignment{address, name})
	}
	return assignments, errs
}

// checkLabels returns an error for a name of one label, which is most likely incomplete.
// A trailing dot marks it as complete, as in a zone file.
func checkLabels(name string) error {
	if valid, _ := canonical.Name(name, true); valid == "" || strings.Contains(name, ".") {
		return nil // an invalid name has a better error
	}
	return fmt.Errorf("only one label, want a full name such as %s.example.com; write %[1]s. if that is the full name", name)
}

func parseAddresses(args []string) (addresses []netip.Addr, errs inputErrors) {
	for _, arg := range args {
		address, err := netip.ParseAddr(arg)
		if err != nil {
			errs.add("argument", arg, "not an IP address")
			continue
		}
		addresses = append(addresses, address)
	}
	return addresses, errs
}

// noSession is an edis.SessionSource that always fails: a call with it checks
// its input but sends nothing.
type noSession struct{}

var errNoSession = errors.New("no session")

// Session implements edis.SessionSource.
func (noSession) Session(context.Context) (edis.Session, error) { return edis.Session{}, errNoSession }

// allInputErrors joins errs and the errors that package edis finds in
// assignments, so that one run reports all of them.
func (a *app) allInputErrors(ctx context.Context, assignments []assignment, errs inputErrors) error {
	client, err := edis.NewClient(&edis.Options{AllowUnderscore: a.allowUnderscore})
	if err != nil {
		return err
	}
	for _, item := range assignments {
		err := client.SetPTR(ctx, noSession{}, map[netip.Addr]string{item.address: item.name})
		if errors.Is(err, edis.ErrInvalidInput) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
