package cli

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/edisptr/edis-go/pkg/edis"
)

// An exchangeLog sends requests as a Client does by default, and keeps the shape of the
// last response: no values, which may be secrets, addresses or names.
type exchangeLog struct {
	mutex  sync.Mutex
	latest exchange
}

// An exchange is a request and the shape of its response.
type exchange struct {
	url     url.URL
	failure error  // why there is no response, or nil
	status  int    // 0 without a response
	label   string // media type
	date    string // as the service says it
	fields  string // names of the members of the JSON object, and of its member data for PTR calls
}

// maxShape is how much of a response is looked at.
const maxShape = 1 << 20

// RoundTrip implements http.RoundTripper.
func (l *exchangeLog) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := edis.Transport().RoundTrip(r)
	made := exchange{url: *r.URL, failure: err}
	if err == nil {
		made.status, made.date = response.StatusCode, response.Header.Get("Date")
	}
	if err == nil && made.status != http.StatusSwitchingProtocols {
		made.label, _, _ = mime.ParseMediaType(response.Header.Get("Content-Type"))
		beginning, _ := io.ReadAll(io.LimitReader(response.Body, maxShape)) // an error comes again below
		made.fields = fieldsOf(beginning)
		response.Body = joinedBody{io.MultiReader(bytes.NewReader(beginning), response.Body), response.Body}
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.latest = made
	return response, err
}

// A joinedBody is a body whose beginning was read already.
type joinedBody struct {
	io.Reader
	io.Closer
}

// knownFields are the names of members that a report may show. Others may be anything.
var knownFields = []string{"status", "message", "error", "msg", "code", "data", "records", "ptr"}

// fieldsOf returns the names of the members of a JSON object, as far as they are known.
func fieldsOf(body []byte) string {
	var object map[string]json.RawMessage
	if json.Unmarshal(body, &object) != nil {
		return "no JSON object"
	}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if !slices.Contains(knownFields, name) {
			name = "(other)"
		}
		var data map[string]json.RawMessage
		if name == "data" && json.Unmarshal(object[name], &data) == nil && data["ptr"] != nil {
			name = "data.ptr"
		}
		names = append(names, name)
	}
	return "{" + strings.Join(slices.Compact(names), ", ") + "}"
}

// last returns the last exchange, or an empty one if there was none.
func (l *exchangeLog) last() exchange {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.latest
}

// String describes a response without secrets.
func (e exchange) String() string {
	switch {
	case e.failure != nil:
		return describeFailure(e.failure)
	case e.status == http.StatusSwitchingProtocols:
		return "HTTP 101"
	}
	return fmt.Sprintf("HTTP %d, %s, labeled %s", e.status, e.fields, cmp.Or(e.label, "as nothing"))
}

// describeFailure says why there was no response, without the addresses of this machine
// and of its DNS servers.
func describeFailure(err error) string {
	var connection *net.OpError
	var lookup *net.DNSError
	var errno syscall.Errno
	text := "no response"
	if errors.As(err, &connection) && connection.Op == "proxyconnect" {
		text = "no connection to the proxy"
	}
	switch {
	case errors.As(err, &lookup):
		return text + ": the lookup of the host failed"
	case isTimeout(err):
		return text + ": timeout"
	case errors.As(err, &errno):
		return text + ": " + errno.Error()
	case errors.As(err, new(*tls.CertificateVerificationError)):
		return text + ": the certificate is not trusted"
	}
	return text
}

// Paths of operations.
const (
	loginPath = "/kvm/v2/get/auth"
	readPath  = "/get/ptr"
)

// base returns the URL of the request without the path of its operation.
func (e exchange) base(operation string) string {
	return strings.TrimSuffix(e.url.Scheme+"://"+e.url.Host+e.url.Path, operation)
}
