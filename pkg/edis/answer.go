package edis

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/edisptr/edis-go/pkg/internal/canonical"
	"github.com/edisptr/edis-go/pkg/internal/contract"
	"github.com/edisptr/edis-go/pkg/internal/redact"
	"github.com/edisptr/edis-go/pkg/internal/transport"
)

// receipt is what one attempt brought back from the service.
type receipt struct {
	status int
	header http.Header
	raw    []byte
	err    error // why raw is not the whole body
}

// receive reads an answer, but not more than limit bytes and one of its body.
func receive(response *http.Response, limit int64) receipt {
	got := receipt{status: response.StatusCode, header: response.Header}
	if transport.IsRedirect(got.status) {
		return got // a body adds nothing, and the connection is not worth keeping
	}
	got.raw, got.err = io.ReadAll(io.LimitReader(response.Body, limit+1))
	if int64(len(got.raw)) > limit {
		got.raw, got.err = nil, fmt.Errorf("%w: more than %d bytes", ErrResponseTooLarge, limit)
	}
	return got
}

// understand holds what was received against the document. It returns nil for a
// valid success, whose result it has taken.
func (got receipt) understand(r request, documented *contract.Operation) *failure {
	if transport.IsRedirect(got.status) {
		target := r.hide.Text(got.header.Get(transport.RefusedLocation), 300)
		if r.logsIn {
			target = redact.Mark
		}
		err := fmt.Errorf("%s: HTTP %d: %w: to %q", r.id, got.status, ErrRedirect, target)
		return &failure{outcome: r.unknown(), causes: []error{err}}
	}
	body, unusable := got.body(r, documented)
	if unusable == nil && got.status == http.StatusOK {
		return nil
	}
	failed := &failure{outcome: r.outcomeOf(got.status)}
	failed.transient = got.status >= http.StatusInternalServerError || got.status == http.StatusTooManyRequests
	if got.err != nil && !errors.Is(got.err, ErrResponseTooLarge) && got.status < http.StatusBadRequest {
		failed.transient = true // the connection broke
	}
	if got.status >= http.StatusBadRequest {
		message := r.hide.Text(errorMessage(body), 1024)
		failed.pause = transport.RetryAfter(got.header, time.Now())
		failed.causes = append(failed.causes, &APIError{r.id, got.status, message, failed.pause})
	}
	if unusable != nil {
		failed.causes = append(failed.causes, unusable)
	}
	return failed
}

// body returns the decoded body of a documented answer, having taken the result
// from that of a success.
func (got receipt) body(r request, documented *contract.Operation) (body map[string]any, unusable error) {
	if got.err != nil {
		return nil, fmt.Errorf("%s: HTTP %d: %w", r.id, got.status, r.hide.Cause(got.err))
	}
	body, mismatch := documented.Answer(got.status, got.header, got.raw)
	switch {
	case mismatch != "", got.status >= http.StatusBadRequest:
	case got.status != http.StatusOK:
		mismatch = "does not tell what became of the call"
	case r.read != nil:
		mismatch = r.read(body)
	}
	if mismatch == "" {
		return body, nil
	}
	e := &ContractError{Op: r.id, Status: got.status, Reason: r.hide.Text(mismatch, 512)}
	if !r.logsIn {
		e.Body = []byte(r.hide.Text(string(got.raw), 512))
	}
	return body, e
}

// errorMessage returns what a failed answer says. The operations do not agree
// on the name of the field, and one has both.
func errorMessage(body map[string]any) string {
	short, _ := body["error"].(string)
	long, _ := body["message"].(string)
	return strings.TrimPrefix(strings.TrimSuffix(short+": "+long, ": "), ": ")
}

// readPTRs takes the records from a valid answer to getPTR for these addresses.
func readPTRs(body map[string]any, asked []netip.Addr) (ptrs map[netip.Addr]string, mismatch string) {
	open := make(map[netip.Addr]bool, len(asked))
	for _, address := range asked {
		open[address.Unmap()] = true
	}
	ptrs = make(map[netip.Addr]string)
	for i, value := range body["records"].([]any) { // as the schema says, and so on
		fields := value.(map[string]any)
		text := fields["ip"].(string)
		address, err := netip.ParseAddr(text)
		address = address.Unmap()
		if err != nil || !open[address] {
			return nil, fmt.Sprintf("/records/%d: %q is no address that was asked for, or the second of it", i, redact.Clip(text, 100))
		}
		open[address] = false
		if name, _ := fields["ptr_record"].(string); name != "" {
			if hostName, refused := canonical.Name(name, true); refused == "" {
				name = hostName
			}
			ptrs[address] = name
		}
	}
	return ptrs, ""
}

// outcomeOf says what became of a call that failed with this status: nil means
// that nothing changed.
//
// A 401 or 429 turns the whole call away. Whether the service applies some of
// several records before it refuses the others is not documented, so any other
// 4xx proves something for a single record only. 408 is a proxy giving up on
// the service, which may have done its work.
func (r request) outcomeOf(status int) error {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusTooManyRequests:
		return nil
	case status >= 400 && status <= 499 && status != http.StatusRequestTimeout && r.count == 1:
		return nil
	}
	return r.unknown()
}

// unknown is the outcome of what was sent, and not answered as it should be: a
// call that writes nothing changes nothing.
func (r request) unknown() error {
	if r.writes {
		return ErrOutcomeUnknown
	}
	return nil
}
