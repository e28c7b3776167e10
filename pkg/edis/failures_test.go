package edis_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/edisptr/edis-go/pkg/edis"
)

// A failure is one way in which a call fails, and what that means. It happens to every
// attempt.
type failure struct {
	name string
	// One of these provokes it.
	dialError error
	accept    func(net.Conn)
	respond   http.HandlerFunc

	// The outcome of a write of one record and of several, and what the error matches. A
	// read changes nothing, and neither does a login.
	one, several edis.Outcome
	matches      []error
	mayPass      bool // the call is repeated
}

// maxResponse limits the responses of these services.
const maxResponse = 1000

// serve starts a service in memory whose calls fail like that.
func (f failure) serve(t *testing.T, change ...func(*edis.Options)) *memoryService {
	t.Helper()
	change = append(change, func(o *edis.Options) { o.MaxResponseBytes = maxResponse })
	if f.accept != nil {
		return acceptInMemory(t, f.accept, change...)
	}
	s := serveInMemory(t, f.respond, change...)
	if f.dialError != nil {
		s.dialError = func(int64) error { return f.dialError }
	}
	return s
}

const (
	unknown   = edis.OutcomeUnknown
	notSent   = edis.OutcomeNotSent
	unchanged = edis.OutcomeUnchanged
)

// failures are all ways in which a call fails, without those of TLS and HTTP/2.
func failures() (all []failure) {
	for _, some := range [][]failure{connectionFailures(), brokenConnections, earlyResponses(), unclearResponses, refusals(), serverFailures()} {
		all = append(all, some...)
	}
	return all
}

// connectionFailures are those in which there is no connection.
func connectionFailures() (all []failure) {
	lookup := func(err *net.DNSError) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	for name, err := range map[string]error{
		"connection refused":           connectionRefused(0),
		"network unreachable":          dial(syscall.ENETUNREACH),
		"connection times out":         dial(os.ErrDeadlineExceeded),
		"host lookup fails for now":    lookup(&net.DNSError{Err: "server misbehaving", IsTemporary: true}),
		"host lookup times out":        lookup(&net.DNSError{Err: "i/o timeout", IsTimeout: true}),
		"host name does not exist":     lookup(&net.DNSError{Err: "no such host", IsNotFound: true}),
		"dialer fails for good":        fmt.Errorf("not allowed: %w", os.ErrPermission),
		"connection refused by a host": dial(os.NewSyscallError("connect", syscall.EHOSTUNREACH)),
	} {
		mayPass := name != "host name does not exist" && name != "dialer fails for good"
		all = append(all, failure{name: name, dialError: err, one: notSent, several: notSent, mayPass: mayPass})
	}
	return all
}

// brokenConnections are those in which the response does not arrive, or not as a whole. A
// reset needs a real socket, see TestConnectionReset.
var brokenConnections = []failure{
	{name: "connection closed after the request", respond: drop, mayPass: true},
	{name: "connection closed within the request", mayPass: true, accept: func(conn net.Conn) {
		_, _ = conn.Read(make([]byte, 1))
	}},
	{name: "no response", respond: stayAway, mayPass: true},
	{name: "a byte of the response each second", respond: dripBody, mayPass: true},
	{name: "headers without end", mayPass: true, accept: func(conn net.Conn) {
		_ = readRequest(conn)
		_, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
		for i := 0; err == nil; i++ {
			_, err = fmt.Fprintf(conn, "X-%d: %s\r\n", i, strings.Repeat("x", 4<<10))
		}
	}},
	{name: "response is not HTTP", mayPass: true, accept: respondRaw("SSH-2.0-OpenSSH_9.9\r\n")},
	{name: "response shorter than its Content-Length", respond: cutShort(200, successBody), mayPass: true},
	{name: "chunked response without its end", mayPass: true,
		accept: respondRaw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"sta\r\n")},
	{name: "response with a broken chunk", mayPass: true,
		accept: respondRaw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + successBody + "\r\n0\r\n\r\n")},
	{name: "response that is not gzip as it says", mayPass: true, respond: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		succeed(w, r)
	}},
}

// respondRaw reads the request and sends this response, HTTP or not.
func respondRaw(response string) func(net.Conn) {
	return func(conn net.Conn) {
		_ = readRequest(conn)
		_, _ = io.WriteString(conn, response)
	}
}

// earlyResponses are those that begin before the request was sent: they may be meant for
// another one, and a service that sends them may still carry this one out.
func earlyResponses() (all []failure) {
	for status, matches := range map[int][]error{400: nil, 401: {edis.ErrUnauthorized}, 404: nil, 429: {edis.ErrRateLimited}} {
		all = append(all, failure{name: fmt.Sprintf("response %d before the request", status), matches: matches, mayPass: status == 429, accept: respondEarly(status, errorBody)})
	}
	return all
}

// respondEarly responds when the request has only begun.
func respondEarly(status int, body string) func(net.Conn) {
	return func(conn net.Conn) {
		_, _ = conn.Read(make([]byte, 1))
		defer func() { _, _ = conn.Write([]byte{0}) }() // waits until the client closes the connection
		_, _ = fmt.Fprintf(conn, "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
	}
}

// unclearResponses are those that neither confirm nor refuse the call.
var unclearResponses = []failure{
	{name: "301", respond: redirectTo(301, "https://a.example/"), matches: []error{edis.ErrRedirect}},
	{name: "302", respond: redirectTo(302, "https://a.example/"), matches: []error{edis.ErrRedirect}},
	{name: "303", respond: redirectTo(303, "https://a.example/"), matches: []error{edis.ErrRedirect}},
	{name: "304", respond: respondWith(304, "", ""), matches: []error{edis.ErrRedirect}},
	{name: "307", respond: redirectTo(307, "https://a.example/"), matches: []error{edis.ErrRedirect}},
	{name: "308", respond: redirectTo(308, "https://a.example/"), matches: []error{edis.ErrRedirect}},
	{name: "307 to what is no URL", respond: redirectTo(307, "https://a.example/%zz"), matches: []error{edis.ErrRedirect}},
	{name: "response too large", respond: respondWith(200, jsonType, strings.Repeat(" ", maxResponse+1)), matches: []error{edis.ErrResponseTooLarge}},
	{name: "101 and then silence", matches: []error{edis.ErrContract}, accept: func(conn net.Conn) {
		_ = readRequest(conn)
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")
		_, _ = io.Copy(io.Discard, conn)
	}},
	{name: "201", respond: respondWith(201, jsonType, successBody), matches: []error{edis.ErrContract}},
	{name: "202", respond: respondWith(202, jsonType, successBody), matches: []error{edis.ErrContract}},
	{name: "204", respond: respondWith(204, "", ""), matches: []error{edis.ErrContract}},
	{name: "206", respond: respondWith(206, jsonType, successBody), matches: []error{edis.ErrContract}},
	{name: "200 with HTML", respond: respondWith(200, "text/html", htmlBody), matches: []error{edis.ErrContract}},
	{name: "200 with a failure", respond: respondWith(200, jsonType, errorBody), matches: []error{edis.ErrContract}},
}

// refusals are responses that refuse the call. It is not known whether a call for several
// records was refused as a whole, unless it was the session or the number of calls.
func refusals() []failure {
	all := []failure{
		{name: "400", respond: respondWith(400, jsonType, errorBody), one: unchanged},
		{name: "400 with HTML", respond: respondWith(400, "text/html", htmlBody), one: unchanged, matches: []error{edis.ErrContract}},
		{name: "400 shorter than its Content-Length", respond: cutShort(400, errorBody), one: unchanged},
		{name: "400 too large", respond: respondWith(400, jsonType, strings.Repeat(" ", maxResponse+1)), one: unchanged, matches: []error{edis.ErrResponseTooLarge}},
		{name: "401", respond: respondWith(401, jsonType, errorBody), one: unchanged, several: unchanged, matches: []error{edis.ErrUnauthorized}},
		{name: "401 with HTML", respond: respondWith(401, "text/html", htmlBody), one: unchanged, several: unchanged,
			matches: []error{edis.ErrUnauthorized, edis.ErrContract}},
		{name: "429", respond: tooManyRequests(""), one: unchanged, several: unchanged, matches: []error{edis.ErrRateLimited}, mayPass: true},
	}
	// What is not documented today may be tomorrow: it is no breach of contract.
	for _, status := range []int{402, 403, 404, 405, 409, 410, 413, 422, 451} {
		for body, label := range map[string]string{errorBody: jsonType, htmlBody: "text/html", "": ""} {
			all = append(all, failure{name: fmt.Sprintf("%d with %q", status, body), respond: respondWith(status, label, body), one: unchanged})
		}
	}
	return all
}

// serverFailures are responses of a service that did not get to the call or gave up on
// it, or of a proxy that did.
func serverFailures() []failure {
	all := []failure{
		{name: "500", respond: serverError, matches: []error{edis.ErrServer}, mayPass: true},
		{name: "500 with half of its JSON", respond: respondWith(500, jsonType, `{"status":`), matches: []error{edis.ErrServer, edis.ErrContract}, mayPass: true},
	}
	for _, status := range []int{501, 502, 503, 504, 520, 599} {
		all = append(all, failure{name: fmt.Sprintf("%d with HTML", status), respond: respondWith(status, "text/html", htmlBody), matches: []error{edis.ErrServer}, mayPass: true})
	}
	for _, status := range []int{408, 460, 499} {
		all = append(all, failure{name: fmt.Sprintf("%d of a server that gave up", status), respond: respondWith(status, "text/html", htmlBody), mayPass: true})
	}
	return all
}
