package edis_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
)

// reading returns a handler that responds to getPTR with those of the records that are
// asked for.
func reading(records func() map[string]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var asked []string
		_ = json.Unmarshal([]byte(r.FormValue("ip")), &asked)
		shown, names := records(), make(map[string]string)
		for _, ip := range asked {
			if name, ok := shown[ip]; ok {
				names[ip] = name
			}
		}
		body, _ := json.Marshal(map[string]any{"status": "success", "data": map[string]any{"ptr": names}})
		respondWith(200, jsonType, string(body))(w, r)
	}
}

func TestConfirmPTR(t *testing.T) {
	t.Parallel()
	synthetic(t, "waits until all records show", func(t *testing.T) {
		started := time.Now()
		s := serveInMemory(t, reading(func() map[string]string {
			shown := map[string]string{"192.0.2.10": "a.example", "192.0.2.11": "old.example"}
			if time.Since(started) >= 20*time.Second {
				shown["192.0.2.11"] = "b.example"
			}
			return shown
		}))
		differing, err := s.client.ConfirmPTR(t.Context(), session(), twoPTRs)
		if took := time.Since(started); err != nil || len(differing) != 0 || took < 20*time.Second || took > 25*time.Second {
			t.Errorf("ConfirmPTR = %v, %v after %v, want no differences after 20s to 25s", differing, err, took)
		}
		if reads := s.requests.Load(); reads < 6 || reads > 60 {
			t.Errorf("%d reads in 20s, want pauses of up to 5s between them", reads)
		}
	})
	synthetic(t, "returns what still differs when the context ends", func(t *testing.T) {
		s := serveInMemory(t, reading(func() map[string]string {
			return map[string]string{"192.0.2.10": "a.example", "192.0.2.11": "old.example", "2001:db8::1": "2001-db8--1.static.edis.at"}
		}))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		want := map[netip.Addr]string{addr("192.0.2.10"): "a.example", addr("::ffff:192.0.2.11"): "b.example", addr("192.0.2.12"): "c.example", addr("2001:db8::1"): "d.example"}
		differing, err := s.client.ConfirmPTR(ctx, session(), want)
		wantOutcome(t, err, edis.OutcomeUnknown)
		if text := "edis: getPTR: 3 of 4 records differ: context deadline exceeded"; !errors.Is(err, context.DeadlineExceeded) || len(err.Error()) < len(text) || err.Error()[:len(text)] != text {
			t.Errorf("ConfirmPTR = %v, want %q", err, text)
		}
		if current := map[netip.Addr]string{addr("192.0.2.11"): "old.example", addr("192.0.2.12"): "", addr("2001:db8::1"): "2001-db8--1.static.edis.at"}; !maps.Equal(differing, current) {
			t.Errorf("ConfirmPTR = %v, want %v", differing, current)
		}
		if failed := new(edis.CallError); !errors.As(err, &failed) || int64(failed.Attempts) != s.requests.Load() {
			t.Errorf("ConfirmPTR says %d attempts, want %d reads", failed.Attempts, s.requests.Load())
		}
	})
	synthetic(t, "keeps what differed when a later read fails", func(t *testing.T) {
		s := serveInMemory(t, inOrder(
			reading(func() map[string]string {
				return map[string]string{"192.0.2.10": "a.example", "192.0.2.11": "old.example"}
			}),
			respondWith(401, jsonType, errorBody),
		))
		differing, err := s.client.ConfirmPTR(t.Context(), session(), twoPTRs)
		wantOutcome(t, err, edis.OutcomeUnknown, edis.ErrUnauthorized)
		if want := map[netip.Addr]string{addr("192.0.2.11"): "old.example"}; !maps.Equal(differing, want) {
			t.Errorf("ConfirmPTR = %v, %v, want %v", differing, err, want)
		}
	})
	synthetic(t, "an empty name means no record, or the provider's default name", func(t *testing.T) {
		want := map[netip.Addr]string{addr("192.0.2.10"): "", addr("::ffff:192.0.2.11"): "", addr("2001:db8::1"): ""}
		for name, test := range map[string]struct{ shown, differing map[string]string }{
			"no records":              {nil, nil},
			"own reverse names":       {map[string]string{"192.0.2.10": "10.2.0.192.in-addr.arpa"}, nil},
			"default names":           {map[string]string{"192.0.2.10": "192-0-2-10.static.edis.at", "192.0.2.11": "11.2.0.192.STATIC.edisglobal.com.", "2001:db8::1": "2001-db8--1.static.edis.at"}, nil},
			"another's default name":  {map[string]string{"192.0.2.10": "192-0-2-11.static.edis.at"}, map[string]string{"192.0.2.10": "192-0-2-11.static.edis.at"}},
			"a record that was there": {map[string]string{"192.0.2.10": "a.example"}, map[string]string{"192.0.2.10": "a.example"}},
		} {
			s := serveInMemory(t, reading(func() map[string]string { return test.shown }))
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			differing, err := s.client.ConfirmPTR(ctx, session(), want)
			cancel()
			got := make(map[string]string)
			for address, name := range differing {
				got[address.String()] = name
			}
			if (err != nil) != (test.differing != nil) || !maps.Equal(got, test.differing) {
				t.Errorf("%s: ConfirmPTR = %v, %v, want %v", name, differing, err, test.differing)
			}
		}
	})
	parallel(t, "a wanted default name must show", func(t *testing.T) {
		const name = "192-0-2-10.static.edis.at"
		s := serve(t, reading(func() map[string]string { return map[string]string{"192.0.2.10": name} }))
		if differing, err := newClient(t, s.URL).ConfirmPTR(t.Context(), session(), map[netip.Addr]string{addr("192.0.2.10"): name}); err != nil || len(differing) != 0 {
			t.Errorf("ConfirmPTR = %v, %v, want no differences", differing, err)
		}
	})
}

// The error of ConfirmPTR takes the place of that of a write, so its outcome is unknown
// whatever went wrong.
func TestConfirmPTRFailsWithUnknownOutcome(t *testing.T) {
	t.Parallel()
	errNoSession := errors.New("no session")
	expired := session()
	expired.ValidUntil = time.Now().Add(-time.Hour)
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		source  edis.SessionSource
		want    map[netip.Addr]string
		matches []error
	}{
		"invalid name":    {succeed, session(), map[netip.Addr]string{addr("192.0.2.10"): "a b"}, []error{edis.ErrInvalidInput}},
		"invalid session": {succeed, edis.Session{}, onePTR, []error{edis.ErrInvalidInput}},
		"expired session": {succeed, expired, onePTR, []error{edis.ErrSessionExpired}},
		"failing source":  {succeed, sourceFunc(func(context.Context) (edis.Session, error) { return edis.Session{}, errNoSession }), onePTR, nil},
		"rejected":        {respondWith(401, jsonType, errorBody), session(), onePTR, []error{edis.ErrUnauthorized}},
		"refused":         {respondWith(400, jsonType, errorBody), session(), onePTR, nil},
		"server error":    {serverError, session(), onePTR, []error{edis.ErrServer}},
		"dropped":         {drop, session(), onePTR, nil},
		"HTML":            {respondWith(200, "text/html", htmlBody), session(), onePTR, []error{edis.ErrContract}},
	} {
		s := serve(t, test.handler)
		differing, err := newClient(t, s.URL).ConfirmPTR(t.Context(), test.source, test.want)
		wantOutcome(t, err, edis.OutcomeUnknown, test.matches...)
		if len(differing) != 0 {
			t.Errorf("%s: ConfirmPTR = %v, want nothing: there was no reading", name, differing)
		}
	}
	s := serve(t, succeed)
	_, err := newClient(t, s.URL).ConfirmPTR(canceledContext(t), session(), onePTR)
	wantOutcome(t, err, edis.OutcomeUnknown)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("ConfirmPTR = %v, want context.Canceled", err)
	}
	wantRequests(t, s, 0)
	_, err = newClient(t, unusedURL(t)).ConfirmPTR(t.Context(), session(), onePTR)
	wantOutcome(t, err, edis.OutcomeUnknown)
	client := newClient(t, serve(t, respondWith(403, "", "")).URL)
	_, err = client.ConfirmPTR(t.Context(), client.Account(credentials), onePTR)
	wantOutcome(t, err, edis.OutcomeUnknown, edis.ErrLoginRefused)
}
