package edis_test

import (
	"testing"
)

// What a call allocates does not depend on the machine, so here it is a test; how
// long it takes is for make bench.
func TestAllocations(t *testing.T) { //nolint:paralleltest // AllocsPerRun
	if underRaceDetector {
		t.Skip("the race detector lets pools forget at random what they hold")
	}
	url, _ := discarding(t, 0)
	byHand, ours := bothWays(t, url, 1)
	// The target is 12 more; it is none, and a few for other versions of Go.
	if by, got := allocations(t, byHand), allocations(t, ours); got > by+4 {
		t.Errorf("a call of 1 record allocates %v times, by hand %v times, want at most 4 more", got, by)
	}
	_, ours = bothWays(t, url, 65_536)
	if got := allocations(t, ours); got >= 1000 {
		t.Errorf("a call of 65,536 records allocates %v times, want fewer than 1,000", got)
	}
}

// allocations counts those of client and service.
func allocations(t *testing.T, call func() error) float64 {
	t.Helper()
	return testing.AllocsPerRun(20, func() {
		if err := call(); err != nil {
			t.Error(err)
		}
	})
}
