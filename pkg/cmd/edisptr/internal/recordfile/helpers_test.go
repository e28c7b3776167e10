package recordfile

import (
	"context"
	"io"
	"maps"
	"net/netip"
	"strings"
	"testing"
)

// textSource returns a file with some content.
func textSource(name, content string) Source {
	return Source{name, func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil }}
}

// read reads one file of the name "f".
func read(content string, options Options) (*Set, error) {
	return Read(context.Background(), []Source{textSource("f", content)}, options)
}

// flat are records of no server, by address.
type flat map[string]string

func (f flat) records() map[netip.Addr]string {
	records := make(map[netip.Addr]string, len(f))
	for address, name := range f {
		records[netip.MustParseAddr(address)] = name
	}
	return records
}

// wantRecords checks that the content is read as these records of no server, without a note.
func wantRecords(t *testing.T, content string, want flat) {
	t.Helper()
	set, err := read(content, Options{})
	if err != nil {
		t.Errorf("Read(%.300q) = %v, want %v", content, err, want)
		return
	}
	if got := set.Records[""]; len(set.Records) != 1 || !maps.Equal(got, want.records()) || len(set.Notes) > 0 {
		t.Errorf("Read(%.300q) = %v, notes %q, want %v without notes", content, set.Records, set.Notes, want)
	}
}

// wantErrors checks that reading each content fails with one error for each text, in their
// order, which contains the text.
func wantErrors(t *testing.T, tests map[string][]string) {
	t.Helper()
	for content, wants := range tests {
		_, err := read(content, Options{})
		if err == nil {
			t.Errorf("Read(%.300q) = no error, want %q", content, wants)
			continue
		}
		lines := strings.Split(err.Error(), "\n")
		if len(lines) != len(wants) {
			t.Errorf("Read(%.300q) = %d errors, want %d: %q\n%v", content, len(lines), len(wants), wants, err)
			continue
		}
		for i, want := range wants {
			if !strings.Contains(lines[i], want) {
				t.Errorf("Read(%.300q) = %q, want an error with %q", content, lines[i], want)
			}
		}
	}
}
