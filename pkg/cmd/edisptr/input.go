package main

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"

	"github.com/edisptr/edis-go/pkg/edis"
)

// problems are the refused items of a command line and its environment.
type problems []error

func (p *problems) add(field, value, reason string) {
	*p = append(*p, &edis.InputError{Field: field, Value: value, Reason: reason})
}

// assignment is an argument of the form IP=HOST.
type assignment struct {
	address netip.Addr
	name    string
}

func parseAssignments(args []string) (assignments []assignment, bad problems) {
	for _, arg := range args {
		text, name, ok := strings.Cut(arg, "=")
		if !ok {
			bad.add("argument", arg, "want IP=HOST")
			continue
		}
		address, err := netip.ParseAddr(text)
		if err != nil {
			bad.add("argument", arg, "does not begin with an IP address")
			continue
		}
		if slices.ContainsFunc(assignments, func(a assignment) bool { return a.address == address }) {
			bad.add("argument", arg, "the address is given more than once")
		}
		assignments = append(assignments, assignment{address, name})
	}
	return assignments, bad
}

// parseAddresses reads arguments that are addresses.
func parseAddresses(args []string) (addresses []netip.Addr, bad problems) {
	for _, arg := range args {
		address, err := netip.ParseAddr(arg)
		if err != nil {
			bad.add("argument", arg, "not an IP address")
			continue
		}
		addresses = append(addresses, address)
	}
	return addresses, bad
}

// refusing is a source without a session. A call with it goes no further than
// the checks of its input.
type refusing struct{}

var errRefused = errors.New("refused")

// Session implements edis.SessionSource.
func (refusing) Session(context.Context) (edis.Session, error) { return edis.Session{}, errRefused }

// refuse adds to what is wrong with the command line what the library finds
// wrong with the records that could be read, so that one run names it all.
func (a *app) refuse(ctx context.Context, assignments []assignment, bad problems) error {
	client, err := edis.NewClient(&edis.Options{AllowUnderscore: a.allowUnderscore})
	if err != nil {
		return err
	}
	for _, item := range assignments {
		err := client.SetPTR(ctx, refusing{}, map[netip.Addr]string{item.address: item.name})
		if errors.Is(err, edis.ErrInvalidInput) {
			bad = append(bad, err)
		}
	}
	return errors.Join(bad...)
}

// inCommandLineTerms says what a user of the command line can do, where the
// library speaks to a programmer.
var inCommandLineTerms = strings.NewReplacer(
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

// describe returns the text of an error for a person. What a failed call says of
// itself is not true of a run that has changed records before it.
func (a *app) describe(err error) string {
	text := describe(err)
	if a.changed {
		return "some records were changed, but then: " + strings.TrimSuffix(text, "; nothing changed")
	}
	return text
}

// describe returns the text of an error: where input was refused, one line for
// each item.
func describe(err error) string {
	items := refusedItems(err)
	if len(items) == 0 {
		return strings.TrimPrefix(err.Error(), "edis: ")
	}
	var text strings.Builder
	text.WriteString("invalid input, nothing sent:")
	for _, item := range items {
		text.WriteString("\n  " + inCommandLineTerms.Replace(item.Error()))
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
