package cli

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/edisptr/edis-go/pkg/cmd/edisptr/internal/recordfile"
	"github.com/edisptr/edis-go/pkg/edis"
)

// errorLines returns the text of an error to print: what went wrong, what it did to the
// records, and what to do.
func errorLines(err error) []string {
	var output outputError
	switch {
	case errors.As(err, new(childStatus)):
		return nil // it has said why
	case errors.As(err, &output):
		return output.lines()
	case isInput(err):
		return inputLines(err)
	}
	text := "edisptr: " + reasonOf(err) + outcomeText(err)
	what, try := unreachable(err)
	if what != "" {
		text = "edisptr: " + what + ": " + reasonOf(err) + outcomeText(err) + "; " + try
	}
	return splitLines(text, hintFor(err))
}

// inputLines returns the text of an error about the command line, the environment or a
// file.
func inputLines(err error) []string {
	inputs := inputErrors(err)
	if len(inputs) == 0 {
		return splitLines("edisptr: "+strings.TrimSpace(err.Error()), "Run 'edisptr help' for usage.")
	}
	lines := []string{"edisptr: invalid input, nothing changed:"}
	for _, input := range inputs {
		lines = append(lines, "  "+inputText(input))
	}
	return append(lines, splitLines(hintFor(err))...)
}

// splitLines returns the lines of texts that are not empty.
func splitLines(texts ...string) (lines []string) {
	for _, text := range texts {
		if text != "" {
			lines = append(lines, strings.Split(text, "\n")...)
		}
	}
	return lines
}

// reasonOf returns why something failed, without the outcome.
func reasonOf(err error) string {
	if errors.Is(err, context.Canceled) {
		return "interrupted"
	}
	call, ok := err.(*edis.CallError) //nolint:errorlint // one that is wrapped has a text of its own
	switch {
	case !ok:
		return err.Error()
	case call.Op == "plan" || call.Op == "apply":
		return reasonOf(call.Err) // these are the words of package reconcile
	}
	return call.Reason()
}

// outcomeText says what a failed write did to the records.
func outcomeText(err error) string {
	call := new(edis.CallError)
	switch {
	case !errors.As(err, &call) || call.Op != "apply":
		return ""
	case edis.OutcomeOf(err) == edis.OutcomeUnknown:
		return "; some records changed or may have changed"
	}
	return "; nothing changed"
}

// unreachable says what did not respond, if that is why something failed, and what to try.
func unreachable(err error) (what, try string) {
	service, variable := "the reverse DNS service", "EDIS_RDNS_URL"
	if innermostCall(err) == "createAuthSession" {
		service, variable = "the login service", "EDIS_AUTH_URL"
	}
	var connection *net.OpError
	switch {
	case errors.Is(err, context.Canceled):
		return "", ""
	case errors.As(err, &connection) && connection.Op == "proxyconnect":
		return "no connection to the proxy", "check HTTPS_PROXY"
	case errors.As(err, new(*net.DNSError)):
		return "no address for " + service, "check " + variable + " and the DNS servers of this machine"
	case isTimeout(err):
		return "no response from " + service, "check the network and " + variable + ", or allow more with --timeout"
	case errors.As(err, new(*url.Error)):
		return "no response from " + service, "check the network, HTTPS_PROXY and " + variable
	}
	return "", ""
}

// innermostCall returns the operation of the call that was made last.
func innermostCall(err error) (op string) {
	for call := new(edis.CallError); errors.As(err, &call); err = call.Err {
		op = call.Op
	}
	return op
}

const (
	hintLogin = "Check EDIS_EMAIL and EDIS_PASSWORD or EDIS_PASSWORD_FILE, and that API access is\n" +
		"switched on in the customer portal. Do not repeat this: refused logins can lock\nthe account."
	hintSession = "If EDIS_SIGNATURE is set, get a new session, or unset it and log in with\nEDIS_EMAIL and EDIS_PASSWORD."
	hintPath    = "Set EDIS_RDNS_URL and EDIS_AUTH_URL to these values, or run: edisptr doctor"
	hintServer  = "Name the server with --kvm ID or, in a file, with a line for its records:\n" +
		"  kvm_1_2: {192.0.2.10: mail.example.com}\n'edisptr servers' lists the servers."
	hintUnderscore = "To allow underscores, use --allow-underscore."
)

// hintFor says what to do about an error, if that is not obvious.
func hintFor(err error) string {
	switch {
	case errors.Is(err, edis.ErrLoginRefused):
		return hintLogin
	case errors.Is(err, edis.ErrSessionExpired), errors.Is(err, edis.ErrUnauthorized):
		return hintSession
	case isNotFound(err):
		return hintPath
	case isAboutServers(err):
		return hintServer
	case slices.ContainsFunc(inputErrors(err), isAboutUnderscore):
		return hintUnderscore
	}
	return ""
}

// isAboutServers reports whether a plan failed because it does not know the server of an
// address, or another one than named.
func isAboutServers(err error) bool {
	return innermostCall(err) == "plan" && slices.ContainsFunc(inputErrors(err), func(err error) bool {
		input := new(edis.InputError)
		return errors.As(err, &input) && input.Field == "address"
	})
}

// isAboutUnderscore reports whether an error is about the host name of an address that has
// an underscore, which is all that is wrong with most of them.
func isAboutUnderscore(err error) bool {
	var field, value string
	switch e := err.(type) { //nolint:errorlint // as inputErrors returns them
	case *edis.InputError:
		field, value = e.Field, e.Value
	case *recordfile.Error:
		field, value = e.Key, e.Value
	}
	_, err = netip.ParseAddr(field)
	return err == nil && strings.Contains(value, "_")
}

// inputErrors returns the errors about input in the tree of err.
func inputErrors(err error) (found []error) {
	switch e := err.(type) { //nolint:errorlint // walks the whole tree
	case *edis.InputError, *recordfile.Error:
		return []error{e}
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			found = append(found, inputErrors(inner)...)
		}
	case interface{ Unwrap() error }:
		return inputErrors(e.Unwrap())
	}
	return found
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
}

// inputText returns the text of an error about input in terms of the command line.
func inputText(err error) string {
	input := new(edis.InputError)
	if !errors.As(err, &input) {
		return err.Error()
	}
	own := *input
	if name, ok := commandLineNames[own.Field]; ok {
		own.Field = name
	}
	return own.Error()
}
