package edis_test

import (
	"os/exec"
	"regexp"
	"testing"
)

// No generated type is in the exported API: another version of the generator would
// change it.
func TestNoGeneratedTypes(t *testing.T) {
	t.Parallel()
	documentation, err := exec.CommandContext(t.Context(), "go", "doc", "-all", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	if generated := regexp.MustCompile(`.*\bgen\..*`).Find(documentation); generated != nil || len(documentation) < 1000 {
		t.Errorf("the exported API has %q", generated)
	}
}
