package edis_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
)

// A recorder is a slog.Handler that keeps the attributes of all records.
type recorder struct {
	with    []slog.Attr
	records *[]map[string]slog.Value
	level   slog.Level // of what it keeps
}

func (r recorder) Enabled(_ context.Context, level slog.Level) bool { return level >= r.level }

func (r recorder) Handle(_ context.Context, record slog.Record) error {
	kept := map[string]slog.Value{"level": slog.AnyValue(record.Level)}
	for _, attr := range r.with {
		kept[attr.Key] = attr.Value.Resolve()
	}
	record.Attrs(func(attr slog.Attr) bool {
		kept[attr.Key] = attr.Value.Resolve()
		return true
	})
	*r.records = append(*r.records, kept)
	return nil
}

func (r recorder) WithAttrs(attrs []slog.Attr) slog.Handler {
	r.with = slices.Concat(r.with, attrs)
	return r
}

func (r recorder) WithGroup(string) slog.Handler { return r }

// The Logger is told of each attempt: where it went, how long it took, and how it ended.
func TestLogger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var records []map[string]slog.Value
		s := serveInMemory(t, inOrder(
			func(w http.ResponseWriter, r *http.Request) { time.Sleep(time.Second); drop(w, r) },
			tooManyRequests("1"), succeed, respondWith(200, jsonType, loginResponse("")),
		), func(o *edis.Options) { o.Logger = slog.New(recorder{records: &records, level: slog.LevelDebug}) })
		if err := s.client.SetPTR(t.Context(), session(), onePTR); err != nil {
			t.Fatal(err)
		}
		if _, err := s.client.Login(t.Context(), credentials); err != nil {
			t.Fatal(err)
		}
		if len(records) != 4 {
			t.Fatalf("%d records, want 4", len(records))
		}
		for i, want := range []map[string]any{
			{"op": "setPTR", "attempt": int64(1), "took": time.Second, "outcome": "unknown", "status": nil, "bytes": nil, "kvm_id": "kvm_123456_789012"},
			{"op": "setPTR", "attempt": int64(2), "took": time.Duration(0), "outcome": "unchanged", "status": int64(429), "bytes": int64(len("slow down"))},
			{"op": "setPTR", "attempt": int64(3), "took": time.Duration(0), "outcome": nil, "error": nil, "status": int64(200), "bytes": int64(len(successBody))},
			{"op": "createAuthSession", "attempt": int64(1), "outcome": nil, "error": nil, "status": int64(200), "kvm_id": ""},
		} {
			want["url"], want["level"] = "http://127.0.0.1/", slog.LevelDebug
			for key, value := range want {
				if got := records[i][key].Any(); got != value {
					t.Errorf("record %d has %s %v, want %v", i, key, got, value)
				}
			}
		}
		first, _ := records[0]["error"].Any().(error)
		if first == nil || errors.As(first, new(*edis.CallError)) {
			t.Errorf("error of the first attempt = %v, want the reason of that attempt", first)
		}
	})
}

// A Logger that keeps only warnings gets only those.
func TestLoggerOfWarnings(t *testing.T) {
	t.Parallel()
	var records []map[string]slog.Value
	s := serve(t, respondWith(200, "text/html", successBody))
	err := setPTR(t, s, onePTR, func(o *edis.Options) { o.Logger = slog.New(recorder{records: &records, level: slog.LevelWarn}) })
	if err != nil || len(records) != 1 || records[0]["op"].Any() != "setPTR" || records[0]["url"].Any() != s.URL+"/" {
		t.Errorf("SetPTR = %v with the records %v, want nil and a warning that names the call and the URL", err, records)
	}
}
