package main

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"

	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchmath"
	"golang.org/x/perf/benchunit"
)

// inRounds is what a name has beyond that of the benchmark: a turn of a round,
// and the number of processors.
var inRounds = regexp.MustCompile(`/turn=\d+|-\d+$`)

// read gathers the values of each measurement.
func read(results io.Reader) (map[measurement][]float64, error) {
	measured := make(map[measurement][]float64)
	reader := benchfmt.NewReader(results, "results")
	for reader.Scan() {
		result, ok := reader.Result().(*benchfmt.Result)
		if !ok {
			continue // a line of something else
		}
		name := inRounds.ReplaceAllString(result.Name.String(), "")
		for _, value := range result.Values {
			m := measurement{name, value.Unit}
			measured[m] = append(measured[m], value.Value)
		}
	}
	return measured, reader.Err()
}

// printTable prints the medians of each row, and whether its target is met.
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
	ours, other := measured[r.ours], measured[r.other]
	if len(other) > 0 {
		cells[0] = r.other.show(median(other))
	}
	values := r.values(ours, other)
	if len(values) == 0 {
		return cells
	}
	value := median(values)
	cells[1], cells[4] = r.ours.show(median(ours)), "met"
	if r.kind != alone {
		cells[2] = r.figure(value)
	}
	if value > r.most {
		cells[4] = "MISSED"
	}
	return cells
}

// values makes the figure of each round: the two measurements of one round had the
// same machine, while the medians of all rounds may be of its better and its worse
// minutes.
func (r row) values(ours, other []float64) []float64 {
	if r.kind == alone {
		return ours
	}
	var values []float64
	for i := range min(len(ours), len(other)) {
		if r.kind == ratio {
			values = append(values, ours[i]/other[i])
		} else {
			values = append(values, ours[i]-other[i])
		}
	}
	return values
}

func median(values []float64) float64 {
	sample := benchmath.NewSample(slices.Clone(values), &benchmath.DefaultThresholds) // which sorts
	return benchmath.AssumeNothing.Summary(sample, 0.95).Center
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
