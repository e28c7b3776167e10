package edis_test

import "testing"

// The number of allocations does not depend on the machine, so it is tested here.
// "make bench" measures time.
func TestAllocations(t *testing.T) { //nolint:paralleltest // AllocsPerRun
	if underRaceDetector {
		t.Skip("the race detector drops items from sync.Pool at random")
	}
	allocations := make(map[string]float64) // of client and service
	for _, impl := range implementations(t, serveSuccess(t, 0), 1) {
		allocations[impl.name] = testing.AllocsPerRun(20, func() {
			if err := impl.call(); err != nil {
				t.Error(err)
			}
		})
	}
	t.Logf("allocations: %v", allocations)
	if hand, edis := allocations["by=hand"], allocations["by=edis"]; edis > hand+45 {
		t.Errorf("SetPTR of 1 record allocates %v times, the handwritten call %v times, want at most 45 more", edis, hand)
	}
}
