package main

// row is one target: what the figure made of one or two measurements may be.
type row struct {
	what  string
	ours  measurement
	other measurement // what ours is compared with; none if it counts alone
	kind  kind
	most  float64
}

// measurement is a unit of a benchmark.
type measurement struct{ benchmark, unit string }

// kind is how the figure is made.
type kind int

const (
	ratio      kind = iota // ours, divided by the other
	difference             // ours, less the other
	alone                  // ours; the other is shown to compare
)

// byHand compares with the sub-benchmark that does the same by hand.
func byHand(what, benchmark, unit string, k kind, most float64) row {
	return row{what, measurement{benchmark + "/by=ours", unit}, measurement{benchmark + "/by=bare", unit}, k, most}
}

func onlyOurs(what, benchmark, unit string, most float64) row {
	return row{what: what, ours: measurement{benchmark + "/by=ours", unit}, kind: alone, most: most}
}

// growth compares a benchmark with itself, for less.
func growth(what, large, small, unit string, most float64) row {
	return row{what, measurement{large, unit}, measurement{small, unit}, ratio, most}
}

// rows are the targets. Those by hand compare with bare_test.go of pkg/edis, which
// has no time-outs, retries and checks.
var rows = []row{
	byHand("set 1 record", "SetPTR/records=1", "sec/op", ratio, 1.10),
	byHand("  allocations", "SetPTR/records=1", "allocs/op", difference, 12),
	byHand("set 10 records", "SetPTR/records=10", "sec/op", ratio, 1.00),
	byHand("set 1,000 records", "SetPTR/records=1000", "sec/op", ratio, 0.45),
	byHand("set 65,536 records", "SetPTR/records=65536", "sec/op", ratio, 0.50),
	byHand("  allocations", "SetPTR/records=65536", "allocs/op", alone, 999),
	byHand("encode 65,536 records", "Encode", "sec/op", ratio, 0.50),
	byHand("set 1,000,000, memory", "PeakMemory", "peak-B", ratio, 0.35),
	onlyOurs("NewClient", "NewClient", "sec/op", 10e-6),
	byHand("first call less second", "FirstCall", "more-sec", alone, 1.5e-3),
	byHand("64 at once", "Concurrent/steady", "x-ideal", alone, 1.10),
	byHand("  connections", "Concurrent/steady", "connections", alone, 64),
	byHand("64 at once, in waves", "Concurrent/waves", "x-ideal", alone, 1.10),
	byHand("  connections", "Concurrent/waves", "connections", alone, 64),
	onlyOurs("import, modules", "Import", "modules", 10),
	onlyOurs("  growth of a program", "Import", "added-B", 2.6e6),
	growth("1,000,000 against 1,000", "Growth/records=1000000", "Growth/records=1000", "sec/record", 2),
	growth("apply 50,000 against 100", "Apply/addresses=50000", "Apply/addresses=100", "sec/address", 2),
	growth("  memory of a batch", "Apply/addresses=50000", "Apply/addresses=100", "B/batch", 1.1),
}
