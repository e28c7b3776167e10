package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/internal/redact"
)

// serverError is the error for which a command gave up one of several servers.
type serverError struct {
	kvmID string
	error
}

func (e serverError) Unwrap() error { return e.error }

// fleetError is the error of a command for several servers, at least one of which
// failed.
type fleetError struct {
	errs    []error // each a serverError
	servers int
}

func (e fleetError) Unwrap() []error { return e.errs }

// Error names the servers that failed, those with the same error in one line.
func (e fleetError) Error() string {
	var order []string
	failed := make(map[string][]string)
	for _, err := range e.errs {
		var server serverError
		errors.As(err, &server)
		text := causes(server.error)
		if errors.Is(server.error, context.Canceled) {
			text = "interrupted"
		}
		if input := errorsIn[*edis.InputError](server.error); len(input) > 0 && input[0].Value != "" {
			text = "not a KVM server of the account; 'edisptr servers' lists them"
		}
		if failed[text] == nil {
			order = append(order, text)
		}
		failed[text] = append(failed[text], redact.Printable(server.kvmID))
	}
	lines := []string{fmt.Sprintf("%d of %d servers failed:", len(e.errs), e.servers)}
	for _, reason := range order {
		const most = 3
		servers := failed[reason]
		if more := len(servers) - most; more > 0 {
			servers = append(servers[:most:most], fmt.Sprintf("%d more", more))
		}
		lines = append(lines, fmt.Sprintf("  %s: %s", strings.Join(servers, ", "), reason))
	}
	return strings.Join(lines, "\n")
}

// errorText returns the text of err to print.
func (a *app) errorText(err error) string {
	text := causes(err)
	var call interface{ Unwrap() []error }
	switch {
	case errors.Is(err, edis.ErrInvalidInput) && a.exitStatus(err) == exitUsage && !isFleetError(err):
		return "invalid input, nothing sent:" + indent(text)
	case errors.Is(err, edis.ErrOutcomeUnknown) && isFleetError(err):
		return "some records may have changed; " + text
	case errors.Is(err, edis.ErrOutcomeUnknown):
		return text + "; " + edis.ErrOutcomeUnknown.Error()
	case a.changed.Load():
		return "some records were changed before this error: " + text
	case a.writes && isFleetError(err):
		return "nothing changed; " + text
	case a.writes && errors.As(err, &call):
		return text + "; nothing changed"
	}
	return text
}

func isFleetError(err error) bool { return errors.As(err, new(fleetError)) }

func indent(text string) string { return "\n  " + strings.ReplaceAll(text, "\n", "\n  ") }

// causes returns the text of err without what package edis says about the outcome: that
// of the command may differ. Each input error has its own line.
func causes(err error) string {
	if inputErrs := errorsIn[*edis.InputError](err); len(inputErrs) > 0 && !isFleetError(err) {
		var texts []string
		for _, inputErr := range inputErrs {
			texts = append(texts, inCommandLineTerms(*inputErr))
		}
		return strings.Join(texts, "\n")
	}
	call, ok := err.(interface{ Unwrap() []error })
	if !ok || isFleetError(err) {
		return err.Error()
	}
	var texts []string
	for _, cause := range call.Unwrap() {
		if !slices.Contains([]error{edis.ErrNotSent, edis.ErrOutcomeUnknown}, cause) {
			texts = append(texts, redact.Clip(redact.Printable(cause.Error()), 2048))
		}
	}
	return strings.Join(texts, "; ")
}

// commandLineNames maps names of package edis to those of flags and environment
// variables.
var commandLineNames = map[string]string{
	"Options.RDNSURL":      "EDIS_RDNS_URL",
	"Options.AuthURL":      "EDIS_AUTH_URL",
	"Session.KVMID":        "EDIS_KVM_ID",
	"Session.Signature":    "EDIS_SIGNATURE",
	"Session.APIHost":      "EDIS_API_HOST",
	"Session.ValidUntil":   "EDIS_VALID_UNTIL",
	"Credentials.Email":    "EDIS_EMAIL",
	"Credentials.Password": "EDIS_PASSWORD",
	"KVMID":                "KVM ID",
}

// inCommandLineTerms returns the text of an input error of package edis.
func inCommandLineTerms(e edis.InputError) string {
	if name, ok := commandLineNames[e.Field]; ok {
		e.Field = name
	}
	e.Reason = strings.ReplaceAll(e.Reason, "Options.AllowUnderscore", "--allow-underscore")
	if e.Field == "KVM ID" && e.Value == "" {
		e.Reason += "; choose one with --kvm or EDIS_KVM_ID"
	}
	return e.Error()
}

// errorsIn returns the errors of a type in the tree of err; errors.As finds the first.
func errorsIn[T error](err error) (found []T) {
	if e, ok := err.(T); ok { //nolint:errorlint // walks the whole tree
		found = append(found, e)
	}
	switch e := err.(type) { //nolint:errorlint // see above
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			found = append(found, errorsIn[T](inner)...)
		}
	case interface{ Unwrap() error }:
		found = append(found, errorsIn[T](e.Unwrap())...)
	}
	return found
}
