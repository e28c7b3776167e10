package edis_test

import (
	"os/exec"
	"regexp"
	"testing"
)

// The exported API has no generated types, or a new version of the generator could
// change it.
func TestNoGeneratedTypes(t *testing.T) {
	t.Parallel()
	documentation, err := exec.CommandContext(t.Context(), "go", "doc", "-all", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	if len(documentation) < 1000 {
		t.Errorf("go doc prints %d bytes, too few to be the API", len(documentation))
	}
	if generated := regexp.MustCompile(`.*\bgen\..*`).Find(documentation); generated != nil {
		t.Errorf("the exported API has %q, want no generated type", generated)
	}
}
