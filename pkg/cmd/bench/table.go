package main

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"text/tabwriter"

	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchmath"
	"golang.org/x/perf/benchunit"
)

// read gathers the values of each measurement.
func read(results io.Reader) (map[measurement][]float64, error) {
	measured := make(map[measurement][]float64)
	reader := benchfmt.NewReader(results, "results")
	for reader.Scan() {
		result, ok := reader.Result().(*benchfmt.Result)
		if !ok {
			continue // a line of something else
		}
		name := strings.TrimSuffix(result.Name.String(), fmt.Sprintf("-%d", runtime.GOMAXPROCS(0)))
		for _, value := range result.Values {
			m := measurement{name, value.Unit}
			measured[m] = append(measured[m], value.Value)
		}
	}
	return measured, reader.Err()
}

// printTable prints the medians of each row and whether its target is met.
func printTable(w io.Writer, measured map[measurement][]float64) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table, "%-24s\tby hand\tours\tfigure\tat most\t\t\n", "")
	for _, r := range rows {
		fmt.Fprintf(table, "%-24s\t%s\t\n", r.what, strings.Join(r.cells(measured), "\t"))
	}
	return table.Flush()
}

// cells are what is compared with, ours, the figure, the target, and a verdict.
func (r row) cells(measured map[measurement][]float64) []string {
	cells := []string{"", "", "", r.figure(r.most), "absent"}
	ours, ok := median(measured[r.ours])
	other, otherOK := median(measured[r.other])
	if otherOK {
		cells[0] = r.other.show(other)
	}
	if !ok || !otherOK && r.kind != alone {
		return cells
	}
	value := ours
	switch r.kind {
	case ratio:
		value = ours / other
	case difference:
		value = ours - other
	case alone:
	}
	cells[1], cells[4] = r.ours.show(ours), "met"
	if r.kind != alone {
		cells[2] = r.figure(value)
	}
	if value > r.most {
		cells[4] = "MISSED"
	}
	return cells
}

func median(values []float64) (float64, bool) {
	if len(values) == 0 {
		return 0, false
	}
	sample := benchmath.NewSample(values, &benchmath.DefaultThresholds)
	return benchmath.AssumeNothing.Summary(sample, 0.95).Center, true
}

// figure shows a figure of the row, or its limit.
func (r row) figure(value float64) string {
	switch r.kind {
	case ratio:
		return fmt.Sprintf("%.2f x", value)
	case difference:
		return fmt.Sprintf("%+.0f", value)
	case alone:
	}
	return r.ours.show(value)
}

// show shows a value with its unit: "47.03 µs", "2.19 MB", "110".
func (m measurement) show(value float64) string {
	scaled := benchunit.Scale(value, benchunit.Decimal)
	number := strings.TrimRight(scaled, "nµmkMG")
	prefix := strings.TrimPrefix(scaled, number)
	switch {
	case strings.HasPrefix(m.unit, "sec/"), strings.HasSuffix(m.unit, "-sec"):
		return number + " " + prefix + "s"
	case strings.HasPrefix(m.unit, "B/"), strings.HasSuffix(m.unit, "-B"):
		return number + " " + prefix + "B"
	case strings.HasPrefix(m.unit, "x-"):
		return fmt.Sprintf("%.2f x", value)
	}
	return fmt.Sprintf("%.0f", value)
}
