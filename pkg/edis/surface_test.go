package edis_test

import (
	"testing"

	"github.com/edisptr/edis-go/pkg/internal/apisurface"
)

// The exported API is as listed, and without generated types.
func TestSurface(t *testing.T) {
	t.Parallel()
	apisurface.Check(t, *update, "github.com/edisptr/edis-go/gen")
}
