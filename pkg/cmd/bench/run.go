package main

import (
	"context"
	"fmt"
	"io"
	"os"
	osexec "os/exec"
	"path"
	"path/filepath"
)

// group is what runs in one go.
type group struct {
	folder     string // of the package
	benchmarks string // a pattern for go test -bench
	benchtime  string
	slow       bool // takes seconds
}

var groups = []group{
	{folder: "pkg/edis", benchmarks: "^BenchmarkSetPTR$/^records=10?$", benchtime: "10ms"},
	{folder: "pkg/edis", benchmarks: "^BenchmarkSetPTR$/^records=[16][0-9]{3}", benchtime: "100ms"},
	{folder: "pkg/edis", benchmarks: "^Benchmark(Encode|NewClient)$", benchtime: "100ms"},
	{folder: "pkg/edis", benchmarks: "^BenchmarkFirstCall$", benchtime: "20x", slow: true},
	{folder: "pkg/edis", benchmarks: "^BenchmarkGrowth$", benchtime: "500ms", slow: true},
	{folder: "pkg/edis", benchmarks: "^Benchmark(Concurrent|PeakMemory|Import)$", benchtime: "1x", slow: true},
	{folder: "pkg/cmd/edisptr", benchmarks: "^BenchmarkApply$", benchtime: "3x", slow: true},
}

// oneOf is how many rounds have one for the slow groups.
const oneOf = 4

// run runs all groups and writes what they print to results.
func run(ctx context.Context, rounds int, results, progress io.Writer) error {
	binaries, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(binaries) }()
	if err := build(ctx, binaries); err != nil {
		return err
	}
	for round := range rounds {
		fmt.Fprintf(progress, "round %d of %d\n", round+1, rounds)
		for _, g := range groups {
			if g.slow && round%oneOf != 0 {
				continue
			}
			if err := g.run(ctx, binaries, results); err != nil {
				return err
			}
		}
	}
	return nil
}

func build(ctx context.Context, binaries string) error {
	args := []string{"test", "-c", "-o", binaries + string(filepath.Separator)}
	built := make(map[string]bool)
	for _, g := range groups {
		if !built[g.folder] {
			built[g.folder] = true
			args = append(args, "./"+g.folder)
		}
	}
	if output, err := osexec.CommandContext(ctx, "go", args...).CombinedOutput(); err != nil { //nolint:gosec // the words are those above
		return fmt.Errorf("%w: %s", err, output)
	}
	return nil
}

func (g group) run(ctx context.Context, binaries string, results io.Writer) error {
	binary := filepath.Join(binaries, path.Base(g.folder)+".test")
	command := osexec.CommandContext(ctx, binary, "-test.run=^$", "-test.bench="+g.benchmarks, "-test.benchtime="+g.benchtime) //nolint:gosec // built by us
	command.Dir = g.folder
	output, err := command.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s of %s: %w: %s", g.benchmarks, g.folder, err, output)
	}
	_, err = results.Write(output)
	return err
}
