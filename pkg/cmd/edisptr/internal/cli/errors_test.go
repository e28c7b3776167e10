package cli

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/edisptr/edis-go/pkg/cmd/edisptr/internal/recordfile"
	"github.com/edisptr/edis-go/pkg/edis"
)

// timeoutError is a timeout that is no error of a context.
type timeoutError struct{}

func (timeoutError) Error() string   { return "timed out" }
func (timeoutError) Timeout() bool   { return true }
func (timeoutError) Temporary() bool { return true }

func callError(op string, outcome edis.Outcome, reason error) error {
	return &edis.CallError{Op: op, Outcome: outcome, Err: reason}
}

func connectionError(op string, reason error) error {
	return &url.Error{Op: "Post", URL: "https://a.example", Err: &net.OpError{Op: op, Net: "tcp", Err: reason}}
}

func TestErrorLines(t *testing.T) {
	t.Parallel()
	refused := &edis.APIError{Op: "setPTR", Status: 403}
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"nothing to say":             {childStatus(7), ""},
		"plain":                      {failed(errors.New("reason")), "edisptr: reason\n"},
		"usage":                      {usagef("unknown flag: --x\n"), "edisptr: unknown flag: --x\nRun 'edisptr help' for usage.\n"},
		"write refused":              {callError("apply", edis.OutcomeUnchanged, refused), "edisptr: HTTP 403 Forbidden; nothing changed\n"},
		"write not sent":             {callError("apply", edis.OutcomeNotSent, refused), "edisptr: HTTP 403 Forbidden; nothing changed\n"},
		"write of unknown outcome":   {callError("apply", edis.OutcomeUnknown, refused), "edisptr: HTTP 403 Forbidden; some records changed or may have changed\n"},
		"read":                       {callError("getPTR", edis.OutcomeUnchanged, refused), "edisptr: getPTR: HTTP 403 Forbidden\n"},
		"read of a plan":             {failed(callError("plan", edis.OutcomeUnchanged, callError("getPTR", edis.OutcomeUnchanged, refused))), "edisptr: getPTR: HTTP 403 Forbidden\n"},
		"interrupted":                {failed(context.Canceled), "edisptr: interrupted\n"},
		"interrupted write":          {callError("apply", edis.OutcomeUnknown, connectionError("read", context.Canceled)), "edisptr: interrupted; some records changed or may have changed\n"},
		"two servers":                {failed(errors.Join(about{"kvm_1", refused}, about{"kvm_2", callError("getPTR", edis.OutcomeUnchanged, refused)})), "edisptr: kvm_1: HTTP 403 Forbidden\nkvm_2: getPTR: HTTP 403 Forbidden\n"},
		"login refused":              {callError("createAuthSession", edis.OutcomeUnchanged, edis.ErrLoginRefused), "edisptr: createAuthSession: login refused\n" + hintLogin + "\n"},
		"session expired":            {callError("getPTR", edis.OutcomeNotSent, edis.ErrSessionExpired), "edisptr: getPTR: session expired\n" + hintSession + "\n"},
		"session rejected":           {callError("getPTR", edis.OutcomeUnchanged, &edis.APIError{Status: 401}), "edisptr: getPTR: HTTP 401 Unauthorized\n" + hintSession + "\n"},
		"no such path":               {callError("getPTR", edis.OutcomeUnchanged, &edis.APIError{Status: 404}), "edisptr: getPTR: HTTP 404 Not Found\n" + hintPath + "\n"},
		"arguments":                  {problems{&edis.InputError{Field: "argument", Value: "x", Reason: "is bad"}}, "edisptr: invalid input, nothing changed:\n  argument: \"x\" is bad\n"},
		"environment":                {callError("getPTR", edis.OutcomeNotSent, &edis.InputError{Field: "Session.APIHost", Value: "x", Reason: "is bad"}), "edisptr: invalid input, nothing changed:\n  EDIS_API_HOST: \"x\" is bad\n"},
		"address given twice":        {problems{&edis.InputError{Field: "address", Value: "192.0.2.1", Reason: "is given twice"}}, "edisptr: invalid input, nothing changed:\n  address: \"192.0.2.1\" is given twice\n"},
		"address of no server":       {callError("plan", edis.OutcomeUnchanged, &edis.InputError{Field: "address", Value: "192.0.2.1", Reason: "is lost"}), "edisptr: invalid input, nothing changed:\n  address: \"192.0.2.1\" is lost\n" + hintServer + "\n"},
		"server of no account":       {callError("plan", edis.OutcomeUnchanged, &edis.InputError{Field: "KVM ID", Value: "x", Reason: "is unknown"}), "edisptr: invalid input, nothing changed:\n  KVM ID: \"x\" is unknown\n"},
		"underscore":                 {problems{&edis.InputError{Field: "192.0.2.1", Value: "a_b", Reason: "has one"}}, "edisptr: invalid input, nothing changed:\n  192.0.2.1: \"a_b\" has one\n" + hintUnderscore + "\n"},
		"underscore in a file":       {errors.Join(&recordfile.Error{File: "f", Key: "192.0.2.1", Value: "a_b", Reason: "has one"}), "edisptr: invalid input, nothing changed:\n  f: 192.0.2.1: a_b: has one\n" + hintUnderscore + "\n"},
		"underscore elsewhere":       {problems{&edis.InputError{Field: "KVM ID", Value: "kvm_1", Reason: "is bad"}}, "edisptr: invalid input, nothing changed:\n  KVM ID: \"kvm_1\" is bad\n"},
		"output":                     {outputError{errors.New("disk full"), "", nil}, "edisptr: cannot write the output: disk full\n"},
		"output after a change":      {outputError{errors.New("disk full"), "1 set", nil}, "edisptr: cannot write the output: disk full; records were changed: 1 set\n"},
		"output after a failure":     {outputError{errors.New("disk full"), "", failed(errors.New("reason"))}, "edisptr: reason\nedisptr: cannot write the output: disk full\n"},
		"reader gone":                {outputError{syscall.EPIPE, "", nil}, ""},
		"reader gone after a change": {outputError{syscall.EPIPE, "1 set", nil}, "edisptr: cannot write the output: broken pipe; records were changed: 1 set\n"},
	} {
		if got := lines(errorLines(test.err)); got != test.want {
			t.Errorf("%s: errorLines(%v) = %q\nwant %q", name, test.err, got, test.want)
		}
	}
}

func lines(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return strings.Join(all, "\n") + "\n"
}

// What does not respond is one line, which begins with what it is and ends with what to
// try.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err        error
		begin, end string
	}{
		"service":          {callError("getPTR", edis.OutcomeNotSent, connectionError("dial", syscall.ECONNREFUSED)), "edisptr: no response from the reverse DNS service: getPTR: ", "; check the network, HTTPS_PROXY and EDIS_RDNS_URL"},
		"login":            {callError("createAuthSession", edis.OutcomeNotSent, connectionError("dial", syscall.ECONNREFUSED)), "edisptr: no response from the login service: ", "; check the network, HTTPS_PROXY and EDIS_AUTH_URL"},
		"login for a call": {callError("getPTR", edis.OutcomeNotSent, callError("createAuthSession", edis.OutcomeNotSent, connectionError("dial", syscall.ECONNREFUSED))), "edisptr: no response from the login service: ", " and EDIS_AUTH_URL"},
		"proxy":            {callError("getPTR", edis.OutcomeNotSent, connectionError("proxyconnect", &net.DNSError{Err: "no such host"})), "edisptr: no connection to the proxy: ", "; check HTTPS_PROXY"},
		"lookup":           {callError("getPTR", edis.OutcomeNotSent, connectionError("dial", &net.DNSError{Err: "no such host"})), "edisptr: no address for the reverse DNS service: ", "; check EDIS_RDNS_URL and the DNS servers of this machine"},
		"timeout":          {callError("getPTR", edis.OutcomeNotSent, timeoutError{}), "edisptr: no response from the reverse DNS service: ", ", or allow more with --timeout"},
		"broken response":  {callError("getPTR", edis.OutcomeUnchanged, io.ErrUnexpectedEOF), "edisptr: getPTR: ", "unexpected EOF"},
		"write":            {callError("apply", edis.OutcomeNotSent, connectionError("dial", syscall.ECONNREFUSED)), "edisptr: no response from the reverse DNS service: ", "; nothing changed; check the network, HTTPS_PROXY and EDIS_RDNS_URL"},
		"interrupted":      {callError("getPTR", edis.OutcomeNotSent, connectionError("dial", context.Canceled)), "edisptr: interrupted", ""},
	} {
		got := errorLines(test.err)
		if len(got) != 1 || !strings.HasPrefix(got[0], test.begin) || !strings.HasSuffix(got[0], test.end) {
			t.Errorf("%s: errorLines(%v) = %q, want one line with %q and %q", name, test.err, got, test.begin, test.end)
		}
	}
}

// Each name of package edis that a user can meet has a name on the command line.
func TestCommandLineNames(t *testing.T) {
	t.Parallel()
	for field, want := range map[string]string{
		"Options.RDNSURL": "EDIS_RDNS_URL", "Options.AuthURL": "EDIS_AUTH_URL", "Session.KVMID": "EDIS_KVM_ID", "Session.Signature": "EDIS_SIGNATURE",
		"Session.APIHost": "EDIS_API_HOST", "Session.ValidUntil": "EDIS_VALID_UNTIL", "Credentials.Email": "EDIS_EMAIL", "Credentials.Password": "EDIS_PASSWORD",
		"--resolver": "--resolver",
	} {
		if got := inputText(&edis.InputError{Field: field, Reason: "is bad"}); got != want+" is bad" {
			t.Errorf("inputText of %s = %q, want %q", field, got, want+" is bad")
		}
	}
}

// Everything that is wrong is found, however errors are joined and wrapped.
func TestInputErrors(t *testing.T) {
	t.Parallel()
	a, b, c := &edis.InputError{Field: "a"}, &recordfile.Error{File: "b"}, &edis.InputError{Field: "c"}
	got := inputErrors(failed(errors.Join(a, about{"x", errors.Join(b, errors.New("other"))}, problems{c})))
	if !slices.Equal(got, []error{a, b, c}) {
		t.Errorf("inputErrors = %v, want a, b and c", got)
	}
	if got := inputErrors(nil); got != nil {
		t.Errorf("inputErrors(nil) = %v, want none", got)
	}
}
