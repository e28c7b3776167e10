package edis_test

import (
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"testing"
	"time"
)

// What is measured here needs a process that has done nothing else before.

// BenchmarkFirstCall tells how much longer the first call of a process takes
// than the second.
func BenchmarkFirstCall(b *testing.B) {
	url, _ := discarding(b, 0)
	comparing(b,
		func(b *testing.B) { reportFromChild(b, "first-bare", url, "more-sec") },
		func(b *testing.B) { reportFromChild(b, "first-ours", url, "more-sec") })
}

// BenchmarkPeakMemory tells how much memory a call with 1,000,000 records adds
// to that of a process that holds them.
func BenchmarkPeakMemory(b *testing.B) {
	url, _ := discarding(b, 0)
	comparing(b,
		func(b *testing.B) { reportFromChild(b, "peak-bare", url, "peak-B") },
		func(b *testing.B) { reportFromChild(b, "peak-ours", url, "peak-B") })
}

// child tells the process of a benchmark what to measure.
const childMeasures, childURL = "EDIS_BENCH_MEASURE", "EDIS_BENCH_URL"

// reportFromChild lets a process of its own measure something, and reports the
// mean of what it says.
func reportFromChild(b *testing.B, what, url, unit string) {
	var sum float64
	for b.Loop() {
		command := exec.CommandContext(b.Context(), os.Args[0], "-test.run=^TestMeasureInChild$", "-test.v")
		command.Env = append(os.Environ(), childMeasures+"="+what, childURL+"="+url)
		output, err := command.Output()
		if err != nil {
			b.Fatalf("%s: %v: %s", what, err, output)
		}
		_, after, _ := strings.Cut(string(output), "measured ")
		var value float64
		if _, err := fmt.Sscan(after, &value); err != nil {
			b.Fatalf("%s: %v: %s", what, err, output)
		}
		sum += value
	}
	b.ReportMetric(sum/float64(b.N), unit)
}

// TestMeasureInChild is that process.
func TestMeasureInChild(t *testing.T) { //nolint:paralleltest // measures the process
	what, url := os.Getenv(childMeasures), os.Getenv(childURL)
	if what == "" {
		t.Skip("runs in the processes that benchmarks start")
	}
	measure, records := firstCallMore, 1
	if strings.HasPrefix(what, "peak-") {
		measure, records = peakOf, 1_000_000
	}
	call, ours := bothWays(t, url, records)
	if strings.HasSuffix(what, "-ours") {
		call = ours
	}
	value := measure(t, call)
	fmt.Println("measured", value)
}

// firstCallMore returns seconds.
func firstCallMore(t *testing.T, call func() error) float64 {
	var took [2]time.Duration
	for i := range took {
		started := time.Now()
		if err := call(); err != nil {
			t.Fatal(err)
		}
		took[i] = time.Since(started)
	}
	return (took[0] - took[1]).Seconds()
}

// peakOf returns by how many bytes the process grows, at most, while a call runs.
func peakOf(t *testing.T, call func() error) float64 {
	debug.FreeOSMemory()
	before, peak := footprint(), uint64(0)
	done := make(chan error)
	go func() { done <- call() }()
	for ticks := time.Tick(time.Millisecond); ; {
		select {
		case <-ticks:
			peak = max(peak, footprint())
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			return float64(max(peak, footprint()) - before)
		}
	}
}

// footprint is the memory that the Go runtime holds, but for what it has given
// back to the system.
func footprint() uint64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64() - samples[1].Value.Uint64()
}
