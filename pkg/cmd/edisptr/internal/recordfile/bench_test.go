package recordfile

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"
	"time"
)

// million writes a file of a million records in each form.
var million = map[string]func(*bytes.Buffer){
	"yaml":   func(b *bytes.Buffer) { eachRecord(b, "", "%[1]s: %[2]s\n", "") },
	"server": func(b *bytes.Buffer) { eachRecord(b, "kvm_1:\n", "  %[1]s: %[2]s\n", "") },
	"braces": func(b *bytes.Buffer) { eachRecord(b, "{", "%[1]s: %[2]s, ", "}") },
	"json":   func(b *bytes.Buffer) { eachRecord(b, `{"10.255.255.255":null`, `,"%[1]s":"%[2]s"`, "}") },
	"list": func(b *bytes.Buffer) {
		eachRecord(b, `{"servers":[{"kvm_id":"kvm_1","records":[{"ip":"10.255.255.255","name":"","state":"absent"}`, ",\n  {\n    \"ip\": \"%[1]s\",\n    \"name\": \"%[2]s\",\n    \"state\": \"present\"\n  }", "]}]}")
	},
	"zone": func(b *bytes.Buffer) {
		eachRecord(b, "$TTL 1\n", "%[3]d.%[4]d.%[5]d.10.in-addr.arpa.\t3600\tIN\tPTR\t%[2]s.\n", "")
	},
	"aliases": func(b *bytes.Buffer) {
		eachRecord(b, "$TTL 1\n", "%[3]d.%[4]d.%[5]d.10.in-addr.arpa. CNAME %[2]s.\n%[2]s. PTR %[2]s.\n", "")
	},
}

func eachRecord(b *bytes.Buffer, before, format, after string) {
	b.WriteString(before)
	count := (maxRecords - 1) / (1 + strings.Count(format, "CNAME")) // an alias counts as a record
	for i := range count {
		address := fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255)
		fmt.Fprintf(b, format, address, fmt.Sprintf("host-%d.example.com", i), i&255, i>>8&255, i>>16)
	}
	b.WriteString(after)
}

// BenchmarkMillionRecords reads a million records. It reports the largest heap, sampled
// while reading; a process takes at most what the runtime has mapped.
func BenchmarkMillionRecords(b *testing.B) {
	for form, write := range million {
		var content bytes.Buffer
		write(&content)
		file := filepath.Join(b.TempDir(), form)
		if err := os.WriteFile(file, content.Bytes(), 0o600); err != nil {
			b.Fatal(err)
		}
		content = bytes.Buffer{}
		b.Run(form, func(b *testing.B) {
			peak := sampleHeap(b)
			for b.Loop() {
				if _, err := Read(b.Context(), []Source{File(file)}, Options{}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(peak())/1e6, "peak-MB")
		})
	}
}

// sampleHeap samples the memory of the heap until the function that it returns is called,
// which returns the largest sample.
func sampleHeap(b *testing.B) (peak func() uint64) {
	b.Helper()
	runtime.GC()
	largest, stop, done := uint64(0), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		samples := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		for {
			metrics.Read(samples)
			largest = max(largest, samples[0].Value.Uint64())
			select {
			case <-stop:
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	}()
	return func() uint64 { close(stop); <-done; return largest }
}
