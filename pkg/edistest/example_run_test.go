package edistest_test

import "testing"

// The test in the example of NewTestServer passes. It runs here, because an example has no
// testing.T.
func TestExampleOfNewTestServer(t *testing.T) {
	t.Parallel()
	testSetAndWait(t)
}
