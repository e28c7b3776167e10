package apisurface

import (
	"slices"
	"testing"
)

// The listing shows what a package exports, and through which packages: by
// embedding and by inference too.
func TestOf(t *testing.T) {
	t.Parallel()
	listing, err := Of("testdata/sample")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`const Limit untyped int = 3`,
		`func Open(name string) (*Thing, error)`,
		`method (*Thing) Close() error`,
		`method (Thing) Len() int`,
		`type Reader interface{Read(p []byte) (int, error)}`,
		`type Same = Thing`,
		`type Thing struct`,
		`type Thing struct, Buffer bytes.Buffer`,
		`var Inferred url.Values`,
	}
	var got []string
	for _, line := range listing.Lines {
		if slices.Contains(want, line) {
			got = append(got, line)
		}
		if line == "method (*Thing) hidden()" || line == "type Thing struct, hidden int" {
			t.Errorf("the listing shows %q", line)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("listing = %q, want at least %q", listing.Lines, want)
	}
	if !slices.Contains(listing.Imports, "net/url") || !slices.Contains(listing.Imports, "bytes") || slices.Contains(listing.Imports, "os") {
		t.Errorf("imports = %q, want bytes and net/url, and not os", listing.Imports)
	}
}

func TestOfNothing(t *testing.T) {
	t.Parallel()
	if _, err := Of(t.TempDir()); err == nil {
		t.Error("a folder without a package gives no error")
	}
}

func TestDifference(t *testing.T) {
	t.Parallel()
	if got, want := difference("a\nb\n", "b\nc\n"), "- a\n+ c"; got != want {
		t.Errorf("difference = %q, want %q", got, want)
	}
}
