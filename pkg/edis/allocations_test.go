package edis_test

import "testing"

// What a call allocates does not depend on the machine, so it is a test; how long it
// takes is up to "make bench".
func TestAllocations(t *testing.T) { //nolint:paralleltest // AllocsPerRun
	if underRaceDetector {
		t.Skip("the race detector makes pools forget at random what they hold")
	}
	allocations := make(map[string]float64)
	for _, way := range implementations(t, serveSuccess(t, 0), 1) {
		allocations[way.name] = testing.AllocsPerRun(20, func() { // of client and service
			if err := way.call(); err != nil {
				t.Error(err)
			}
		})
	}
	if hand, edis := allocations["by=hand"], allocations["by=edis"]; edis > hand+40 {
		t.Errorf("a call of 1 record allocates %v times, by hand %v times, want at most 40 more", edis, hand)
	}
}
