package edis_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
)

// "make bench" runs what is in this file and in those beside it, and holds it
// against the targets (pkg/cmd/bench).

// discarding starts a service that reads a request and confirms it.
func discarding(tb testing.TB, delay time.Duration) (url string, connections *atomic.Int64) {
	tb.Helper()
	connections = new(atomic.Int64)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		time.Sleep(delay)
		w.Header().Set("Content-Type", jsonType)
		_, _ = io.WriteString(w, successBody)
	}))
	server.Config.ConnState = countNew(connections)
	server.Start()
	tb.Cleanup(server.Close)
	return server.URL, connections
}

func countNew(connections *atomic.Int64) func(net.Conn, http.ConnState) {
	return func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
}

// longSession does not expire while benchmarks run.
func longSession() edis.Session {
	s := session()
	s.ValidUntil = time.Now().Add(24 * time.Hour)
	return s
}

// comparing runs the two ways to make a call as sub-benchmarks, now the one
// first and now the other.
func comparing(b *testing.B, bare, ours func(*testing.B)) {
	ways := []func(){func() { b.Run("by=bare", bare) }, func() { b.Run("by=ours", ours) }}
	first := rand.IntN(len(ways))
	ways[first]()
	ways[1-first]()
}

// repeating makes the same call again and again; what the first one does for all
// has a benchmark of its own.
func repeating(call func() error) func(*testing.B) {
	return func(b *testing.B) {
		if err := call(); err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			if err := call(); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkSetPTR(b *testing.B) {
	url, _ := discarding(b, 0)
	for _, records := range []int{1, 10, 1000, 65_536} {
		b.Run(fmt.Sprintf("records=%d", records), func(b *testing.B) {
			byHand, ours := bothWays(b, url, records)
			if records > 10 {
				comparing(b, repeating(byHand), repeating(ours))
				return
			}
			for i := range 10 { // small differences need many turns
				b.Run(fmt.Sprintf("turn=%d", i), func(b *testing.B) { comparing(b, repeating(byHand), repeating(ours)) })
			}
		})
	}
}

// bothWays returns the call of so many records, by bare and by this package.
func bothWays(tb testing.TB, url string, records int) (byHand, ours func() error) {
	ctx, s := context.Background(), longSession()
	ptrs, texts := manyPTRs(records)
	client, err := edis.NewClient(&edis.Options{RDNSURL: url})
	if err != nil {
		tb.Fatal(err)
	}
	hand := bare{&http.Client{}, url}
	return func() error { return hand.setPTR(ctx, s, texts) }, func() error { return client.SetPTR(ctx, s, ptrs) }
}

// BenchmarkEncode makes the form of 65,536 records out of a map, and sends
// nothing.
func BenchmarkEncode(b *testing.B) {
	s := longSession()
	ptrs, texts := manyPTRs(65_536)
	comparing(b,
		repeating(func() error { _, err := edis.PlainForm(s, texts); return err }),
		repeating(func() error { _, err := edis.EncodePTRs(s, ptrs); return err }))
}

// BenchmarkGrowth tells what a record takes in small calls and large ones.
func BenchmarkGrowth(b *testing.B) {
	url, _ := discarding(b, 0)
	for _, records := range []int{1000, 1_000_000} {
		b.Run(fmt.Sprintf("records=%d", records), func(b *testing.B) {
			_, ours := bothWays(b, url, records)
			repeating(ours)(b)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*records), "ns/record")
		})
	}
}

func BenchmarkNewClient(b *testing.B) {
	b.Run("by=ours", repeating(func() error {
		_, err := edis.NewClient(nil)
		return err
	}))
}

// BenchmarkConcurrent makes 1,000 calls, 64 at a time, of which the service
// takes 50 ms for each; in waves, each 64 begin together when the last of those
// before has ended. x-ideal is the time against that of the service alone.
func BenchmarkConcurrent(b *testing.B) {
	const calls, atOnce, delay = 1000, 64, 50 * time.Millisecond
	const ideal = (calls + atOnce - 1) / atOnce * delay
	for mode, run := range map[string]func(call func()){
		"steady": func(call func()) { steadily(calls, atOnce, call) },
		"waves":  func(call func()) { inWaves(calls, atOnce, call) },
	} {
		b.Run(mode, func(b *testing.B) {
			// A new service and new connections for each way and round.
			measure := func(client func(url string) func() error) func(*testing.B) {
				return func(b *testing.B) {
					var opened int64
					for b.Loop() {
						url, connections := discarding(b, delay)
						call := client(url)
						run(func() {
							if err := call(); err != nil {
								b.Error(err)
							}
						})
						opened = max(opened, connections.Load())
					}
					b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)/ideal.Seconds(), "x-ideal")
					b.ReportMetric(float64(opened), "connections")
				}
			}
			comparing(b,
				measure(func(url string) func() error { byHand, _ := bothWays(b, url, 1); return byHand }),
				measure(func(url string) func() error { _, ours := bothWays(b, url, 1); return ours }))
		})
	}
}

func steadily(calls, atOnce int, call func()) {
	var started atomic.Int64
	var running sync.WaitGroup
	for range atOnce {
		running.Go(func() {
			for started.Add(1) <= int64(calls) {
				call()
			}
		})
	}
	running.Wait()
}

func inWaves(calls, atOnce int, call func()) {
	for ; calls > 0; calls -= atOnce {
		steadily(min(calls, atOnce), atOnce, call)
	}
}
