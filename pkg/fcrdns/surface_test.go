package fcrdns_test

import (
	"flag"
	"testing"

	"github.com/edisptr/edis-go/pkg/internal/apisurface"
)

var update = flag.Bool("update", false, "update the golden files")

// TestSurface compares the exported API with testdata/api.txt.
func TestSurface(t *testing.T) {
	t.Parallel()
	apisurface.Check(t, *update)
}
