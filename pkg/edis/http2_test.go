package edis_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"sync/atomic"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/edisptr/edis-go/pkg/edis"
)

// An http2Service speaks HTTP/2 frame by frame: it ends the stream of each request as
// the next of its reactions says, and keeps using the last.
type http2Service struct {
	url       string
	reactions []http2Reaction
	requests  atomic.Int64
}

// An http2Reaction ends a stream.
type http2Reaction func(framer *http2.Framer, stream uint32) error

func reset(code http2.ErrCode) http2Reaction {
	return func(framer *http2.Framer, stream uint32) error { return framer.WriteRSTStream(stream, code) }
}

// goAway says that the request was not processed, although it was.
func goAway(framer *http2.Framer, _ uint32) error {
	_ = framer.WriteGoAway(0, http2.ErrCodeNo, nil)
	return io.EOF
}

func closeConnection(*http2.Framer, uint32) error { return io.EOF }

func respondHTTP2(status int, body string) http2Reaction {
	return func(framer *http2.Framer, stream uint32) error {
		var block bytes.Buffer
		encoder := hpack.NewEncoder(&block)
		_ = encoder.WriteField(hpack.HeaderField{Name: ":status", Value: strconv.Itoa(status)})
		_ = encoder.WriteField(hpack.HeaderField{Name: "content-type", Value: jsonType})
		if err := framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block.Bytes(), EndHeaders: true}); err != nil {
			return err
		}
		return framer.WriteData(stream, true, []byte(body))
	}
}

// serveHTTP2 starts a service and returns it with a client of the caller's that speaks
// HTTP/2 with it.
func serveHTTP2(t *testing.T, reactions ...http2Reaction) (*http2Service, *http.Client) {
	t.Helper()
	certified := httptest.NewTLSServer(nil)
	certified.Close()
	config := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: certified.TLS.Certificates, NextProtos: []string{"h2"}}
	s := &http2Service{reactions: reactions}
	address := listen(t, func(conn net.Conn) {
		secured := tls.Server(conn, config)
		defer func() { _ = secured.Close() }()
		s.serve(secured)
	})
	s.url = "https" + address[len("http"):]
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: certPool(certified)}}
	t.Cleanup(transport.CloseIdleConnections)
	return s, &http.Client{Transport: transport}
}

func (s *http2Service) serve(conn net.Conn) {
	if _, err := io.ReadFull(conn, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	framer := http2.NewFramer(conn, conn)
	_ = framer.WriteSettings()
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return
		}
		switch frame := frame.(type) {
		case *http2.SettingsFrame:
			if !frame.IsAck() {
				_ = framer.WriteSettingsAck()
			}
		case *http2.DataFrame:
			if !frame.StreamEnded() {
				continue
			}
			n := int(s.requests.Add(1))
			if s.reactions[min(n, len(s.reactions))-1](framer, frame.StreamID) != nil {
				return
			}
		}
	}
}

var brokenStreams = map[string]http2Reaction{
	"PROTOCOL_ERROR": reset(http2.ErrCodeProtocol),
	"INTERNAL_ERROR": reset(http2.ErrCodeInternal),
	"CANCEL":         reset(http2.ErrCodeCancel),
	"REFUSED_STREAM": reset(http2.ErrCodeRefusedStream),
	"GOAWAY":         goAway,
	"closed":         closeConnection,
}

// net/http repeats requests over HTTP/2 by itself if it can, and the outcome of those that
// it repeats is lost. So a write that may have been applied before its stream broke stays
// unknown, whatever the service says then.
func TestOutcomeOverHTTP2(t *testing.T) {
	t.Parallel()
	for name, breaks := range brokenStreams {
		for _, status := range []int{400, 401, 429} {
			t.Run(fmt.Sprintf("%s and then %d", name, status), func(t *testing.T) {
				t.Parallel()
				s, httpClient := serveHTTP2(t, breaks, respondHTTP2(status, errorBody))
				client := newClient(t, s.url, func(o *edis.Options) { o.HTTPClient, o.MaxAttempts = httpClient, 2 })
				err := client.SetPTR(t.Context(), session(), onePTR)
				if edis.OutcomeOf(err) != edis.OutcomeUnknown || s.requests.Load() > 2 {
					t.Errorf("SetPTR = %v after %d requests, want an unknown outcome after 2 at most", err, s.requests.Load())
				}
			})
		}
	}
	t.Run("success", func(t *testing.T) {
		t.Parallel()
		s, httpClient := serveHTTP2(t, respondHTTP2(200, successBody))
		client := newClient(t, s.url, func(o *edis.Options) { o.HTTPClient = httpClient })
		if err := client.SetPTR(t.Context(), session(), onePTR); err != nil {
			t.Errorf("SetPTR over HTTP/2 = %v", err)
		}
	})
}

// There are never more requests over HTTP/2 than attempts, and of logins only one.
func TestRequestsOverHTTP2(t *testing.T) {
	t.Parallel()
	for name, breaks := range brokenStreams {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, httpClient := serveHTTP2(t, breaks)
			client := newClient(t, s.url, func(o *edis.Options) { o.HTTPClient, o.MaxAttempts = httpClient, 2 })
			wantOutcome(t, client.SetPTR(t.Context(), session(), onePTR), edis.OutcomeUnknown)
			if got := s.requests.Load(); got != 2 {
				t.Errorf("%d requests of 2 attempts", got)
			}
			_, err := client.Login(t.Context(), credentials)
			wantOutcome(t, err, edis.OutcomeUnchanged)
			if got := s.requests.Load(); got != 3 {
				t.Errorf("%d logins, want 1", got-2)
			}
		})
	}
}

// The default client does not speak HTTP/2, even if http.DefaultTransport does, and neither
// does a RoundTripper that wraps Transport.
func TestDefaultClientSpeaksHTTP1(t *testing.T) {
	t.Parallel()
	if os.Getenv("EDIS_TEST_HTTP1") == "" {
		runInChild(t, "EDIS_TEST_HTTP1=yes")
		return
	}
	var requests atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			return
		}
		if requests.Add(1); r.ProtoMajor != 1 {
			t.Errorf("request over %s, want HTTP/1.1", r.Proto)
		}
		succeed(w, r)
	}))
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	http.DefaultTransport.(*http.Transport).TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: certPool(server)}
	response, err := http.Get(server.URL + "/")
	if err != nil || response.ProtoMajor != 2 {
		t.Fatalf("http.Get = %v, %v, want a response over HTTP/2", response, err)
	}
	_ = response.Body.Close()
	wrapped := roundTripper(func(r *http.Request) (*http.Response, error) { return edis.Transport().RoundTrip(r) })
	clients := append(ownClients(), &http.Client{Transport: wrapped})
	for _, httpClient := range clients {
		client := newClient(t, server.URL, func(o *edis.Options) { o.HTTPClient = httpClient })
		if err := client.SetPTR(t.Context(), session(), onePTR); err != nil {
			t.Errorf("SetPTR = %v", err)
		}
	}
	if got := requests.Load(); got != int64(len(clients)) {
		t.Errorf("%d requests, want %d", got, len(clients))
	}
}
