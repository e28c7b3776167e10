package edis_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
)

// The benchmarks compare SetPTR (by=edis) with the same call written by hand
// (by=hand). "make bench" runs them and compares the two with benchstat.

// serveSuccess starts a service that confirms each request after a delay.
func serveSuccess(tb testing.TB, delay time.Duration) (url string) {
	tb.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		time.Sleep(delay)
		w.Header().Set("Content-Type", jsonType)
		_, _ = io.WriteString(w, successBody)
	}))
	tb.Cleanup(server.Close)
	return server.URL
}

// An implementation is one way to set records: by=hand or by=edis.
type implementation struct {
	name string
	call func() error
}

func implementations(tb testing.TB, url string, records int) []implementation {
	tb.Helper()
	ptrs, ctx, s := manyPTRs(records), context.Background(), session()
	s.ValidUntil = s.ValidUntil.Add(24 * time.Hour) // must not expire in a long benchmark
	client, err := edis.NewClient(&edis.Options{RDNSURL: url, AuthURL: url})
	if err != nil {
		tb.Fatal(err)
	}
	baseline := handWritten{&http.Client{}, url}
	return []implementation{
		{"by=hand", func() error { return baseline.setPTR(ctx, s, ptrs) }},
		{"by=edis", func() error { return client.SetPTR(ctx, s, ptrs) }},
	}
}

func BenchmarkSetPTR(b *testing.B) {
	url := serveSuccess(b, 0)
	for _, records := range []int{1, 10, 1000, 65_536} {
		for _, impl := range implementations(b, url, records) {
			b.Run(fmt.Sprintf("records=%d/%s", records, impl.name), func(b *testing.B) {
				if err := impl.call(); err != nil { // BenchmarkFirstCall measures the first call
					b.Fatal(err)
				}
				b.ReportAllocs()
				for b.Loop() {
					if err := impl.call(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkConcurrent makes 1,000 calls, 64 at a time, to a service that takes 50 ms
// for each. The ideal is 0.8 seconds.
func BenchmarkConcurrent(b *testing.B) {
	url := serveSuccess(b, 50*time.Millisecond)
	for _, impl := range implementations(b, url, 1) {
		b.Run(impl.name, func(b *testing.B) {
			for b.Loop() {
				concurrently(1000, 64, func() {
					if err := impl.call(); err != nil {
						b.Error(err)
					}
				})
			}
		})
	}
}

func BenchmarkNewClient(b *testing.B) {
	b.Run("by=edis", func(b *testing.B) {
		for b.Loop() {
			if _, err := edis.NewClient(nil); err != nil {
				b.Fatal(err)
			}
		}
	})
}

const firstCallURL, firstCallImplementation = "EDIS_BENCH_URL", "EDIS_BENCH_WAY"

// BenchmarkFirstCall measures how much longer the first call of a process takes than
// the second.
func BenchmarkFirstCall(b *testing.B) {
	url := serveSuccess(b, 0)
	for _, impl := range implementations(b, url, 1) {
		b.Run(impl.name, func(b *testing.B) {
			var sum time.Duration
			for b.Loop() {
				cmd := exec.CommandContext(b.Context(), os.Args[0], "-test.run=^TestFirstCall$", "-test.v")
				cmd.Env = append(os.Environ(), firstCallURL+"="+url, firstCallImplementation+"="+impl.name)
				output, err := cmd.CombinedOutput()
				_, text, _ := strings.Cut(string(output), "first call minus second: ")
				difference, parseErr := time.ParseDuration(strings.SplitN(text, "\n", 2)[0])
				if err != nil || parseErr != nil {
					b.Fatalf("%v, %v: %s", err, parseErr, output)
				}
				sum += difference
			}
			b.ReportMetric(0, "ns/op") // hides the time to start the process
			b.ReportMetric(sum.Seconds()/float64(b.N), "first-sec")
		})
	}
}

// TestFirstCall runs in the processes that BenchmarkFirstCall starts.
func TestFirstCall(t *testing.T) { //nolint:paralleltest // measures the process
	url := os.Getenv(firstCallURL)
	if url == "" {
		t.Skip("runs only in the processes that BenchmarkFirstCall starts")
	}
	for _, impl := range implementations(t, url, 1) {
		if impl.name != os.Getenv(firstCallImplementation) {
			continue
		}
		var took [2]time.Duration
		for i := range took {
			started := time.Now()
			if err := impl.call(); err != nil {
				t.Fatal(err)
			}
			took[i] = time.Since(started)
		}
		fmt.Println("first call minus second:", took[0]-took[1])
	}
}
