package main

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"

	"github.com/edisptr/edis-go/pkg/edis"
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
		if slices.ContainsFunc(assignments, func(a assignment) bool { return a.address == address }) {
			errs.add("argument", arg, "duplicate address")
		}
		assignments = append(assignments, assignment{address, name})
	}
	return assignments, errs
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

// commandLineNames replaces the names that package edis uses in errors with
// those of flags and environment variables.
var commandLineNames = strings.NewReplacer(
	"Options.RDNSURL", "EDIS_RDNS_URL",
	"Options.AllowUnderscore", "--allow-underscore",
	"Session.KVMID", "EDIS_KVM_ID",
	"Session.Signature", "EDIS_SIGNATURE",
	"Session.APIHost", "EDIS_API_HOST",
	"Session.ValidUntil", "EDIS_VALID_UNTIL",
	"Options.AuthURL", "EDIS_AUTH_URL",
	"Credentials.Email", "EDIS_EMAIL",
	"Credentials.Password", "EDIS_PASSWORD",
	"Credentials.KVMID", "EDIS_KVM_ID",
)

// errorText returns the text of err to print. It drops the "nothing changed"
// of a failed request if the run has changed records before.
func (a *app) errorText(err error) string {
	text := errorText(err)
	if a.changed {
		return "some records were changed before this error: " + strings.TrimSuffix(text, "; nothing changed")
	}
	return text
}

// errorText returns the text of err, with each input error on its own line.
func errorText(err error) string {
	inputErrs := inputErrorsIn(err)
	if len(inputErrs) == 0 {
		return strings.TrimPrefix(err.Error(), "edis: ")
	}
	var text strings.Builder
	text.WriteString("invalid input, nothing sent:")
	for _, inputErr := range inputErrs {
		text.WriteString("\n  " + commandLineNames.Replace(inputErr.Error()))
	}
	return text.String()
}

// inputErrorsIn returns the input errors in the tree of err.
func inputErrorsIn(err error) []*edis.InputError {
	switch e := err.(type) { //nolint:errorlint // walks the whole tree
	case *edis.InputError:
		return []*edis.InputError{e}
	case interface{ Unwrap() []error }:
		var errs []*edis.InputError
		for _, inner := range e.Unwrap() {
			errs = append(errs, inputErrorsIn(inner)...)
		}
		return errs
	case interface{ Unwrap() error }:
		return inputErrorsIn(e.Unwrap())
	}
	return nil
}
