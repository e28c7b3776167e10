package fcrdns_test

import (
	"flag"
	"testing"

	"github.com/edisptr/edis-go/pkg/internal/apisurface"
)

var update = flag.Bool("update", false, "write the golden files in place of comparing with them")

// The exported API is as listed.
func TestSurface(t *testing.T) {
	t.Parallel()
	apisurface.Check(t, *update)
}
