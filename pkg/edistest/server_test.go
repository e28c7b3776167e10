package edistest

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// The caller can choose the address of a server, but only on loopback.
func TestListenOnlyOnLoopback(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"0.0.0.0:0", ":0", "192.0.2.1:0", "example.com:0", "127.0.0.1:x", ""} {
		if s, err := Listen(address); err == nil {
			s.Close()
			t.Errorf("Listen(%q) = nil error, want one", address)
		}
	}
	s, err := Listen("localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := Listen(strings.TrimPrefix(s.URL, "http://")); err == nil {
		t.Error("second Listen on the same port = nil error, want one")
	}
	if got := setStatus(t, s, s.Session(), onePTR); got != 200 {
		t.Errorf("POST /set/ptr = %d, want 200", got)
	}
}

// Close waits for a request in progress, and a closed server is not reached. A second Close
// does nothing.
func TestCloseWaitsForRequests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := NewTestServer(t)
		s.SetDelay(4 * time.Second)
		var status int
		go func() { status = postForm(t, s, "/set/ptr", formWith(s, onePTR)).status }()
		synctest.Wait()
		started := time.Now()
		s.Close()
		synctest.Wait()
		if took := time.Since(started); status != 200 || took != 4*time.Second {
			t.Errorf("Close after %v with status %d of the call in progress, want 4s and 200", took, status)
		}
		s.Close()
		if got, err := request(t.Context(), s, "POST", "/set/ptr", "", ""); err == nil {
			t.Errorf("request after Close = %+v, want an error", got)
		}
	})
	s := NewServer()
	s.Close()
	s.Close()
	if got, err := request(t.Context(), s, "POST", "/set/ptr", "", ""); err == nil {
		t.Errorf("request after Close = %+v, want an error", got)
	}
}
