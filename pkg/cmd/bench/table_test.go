package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// Three rounds, in one of which the machine was slow, give medians.
func TestTable(t *testing.T) {
	t.Parallel()
	const procs = 2
	var results strings.Builder
	for _, micros := range []int{50, 1000, 40} {
		fmt.Fprintf(&results, "goos: linux\nBenchmarkSetPTR/records=1/turn=3/by=bare-%d \t 100 \t %d ns/op \t 9000 B/op \t 114 allocs/op\n", procs, micros*1000)
		fmt.Fprintf(&results, "BenchmarkSetPTR/records=1/turn=3/by=ours-%d \t 100 \t %d ns/op \t 9000 B/op \t 127 allocs/op\nPASS\n", procs, micros*1100)
	}
	fmt.Fprintf(&results, "BenchmarkSetPTR/records=10/by=ours-%d \t 100 \t 5 ns/op\n", procs)
	fmt.Fprintf(&results, "BenchmarkImport/by=ours-%d \t 1 \t 5 ns/op \t 12 modules \t 2187000 added-B\n", procs)
	fmt.Fprintf(&results, "BenchmarkConcurrent/waves/by=ours-%d \t 1 \t 5 ns/op \t 1.1004 x-ideal\n", procs)
	measured, err := read(strings.NewReader(results.String()))
	if err != nil {
		t.Fatal(err)
	}
	var table bytes.Buffer
	if err := printTable(&table, measured); err != nil {
		t.Fatal(err)
	}
	lines := make(map[string]bool)
	for line := range strings.Lines(table.String()) {
		if len(line) > 80 {
			t.Errorf("%d columns: %s", len(line), line)
		}
		lines[strings.Join(strings.Fields(line), " ")] = true
	}
	for _, want := range []string{
		"set 1 record 50.00 µs 55.00 µs 1.10 x 1.10 x met",
		"allocations 114 127 +13 +12 MISSED",
		"set 10 records 1.00 x absent",
		"import, modules 12 10 MISSED",
		"growth of a program 2.187 MB 2.600 MB met",
		"64 at once, in waves 1.10 x 1.10 x MISSED",
	} {
		if !lines[want] {
			t.Errorf("the table has no line %q:\n%s", want, &table)
		}
	}
}

// Each row has benchmarks that a group runs.
func TestRowsAreRun(t *testing.T) {
	t.Parallel()
	for _, r := range rows {
		base, _, _ := strings.Cut(r.ours.benchmark, "/")
		run := false
		for _, g := range groups {
			run = run || strings.Contains(g.benchmarks, base)
		}
		if !run {
			t.Errorf("no group runs %s, of the row %q", r.ours.benchmark, r.what)
		}
	}
}
