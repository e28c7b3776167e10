package edistest_test

import "testing"

// The test in the example of NewTestServer passes: an example has no testing.T to run it.
func TestExampleOfNewTestServer(t *testing.T) {
	t.Parallel()
	testSetAndWait(t)
}
