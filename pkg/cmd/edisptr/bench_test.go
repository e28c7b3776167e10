package main

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// BenchmarkApply applies a file of new records to a fake EDIS in the same
// process, in batches of 100. It reports the time per address and the memory
// allocated per batch. "make bench" runs it.
func BenchmarkApply(b *testing.B) {
	const batch = 100
	for _, addresses := range []int{100, 5_000, 50_000} {
		b.Run(fmt.Sprintf("addresses=%d", addresses), func(b *testing.B) {
			var content strings.Builder
			for i := range addresses {
				fmt.Fprintf(&content, "10.%d.%d.%d: host-%d.example.com\n", i>>16, i>>8&255, i&255, i)
			}
			records := writeFile(b, "records.yaml", content.String())
			var allocated uint64
			for b.Loop() {
				b.StopTimer()
				_, env := startSandbox(b)
				before := allocatedBytes()
				b.StartTimer()
				got := run(b, env, "apply", "-f", records, "--yes")
				allocated += allocatedBytes() - before
				if got.status != 0 {
					b.Fatal(got.stderr)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*addresses), "ns/address")
			b.ReportMetric(float64(allocated)/float64(b.N*addresses/batch), "B/batch")
		})
	}
}

func allocatedBytes() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.TotalAlloc
}
