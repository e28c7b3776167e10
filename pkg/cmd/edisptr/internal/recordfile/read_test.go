package recordfile

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestSeveralFilesAreOneSet(t *testing.T) {
	t.Parallel()
	set, err := Read(context.Background(), []Source{
		textSource("a.yaml", "192.0.2.1: a.example\nkvm_1: {192.0.2.2: b.example}\n"),
		textSource("b.json", `{"192.0.2.2": "B.example.", "192.0.2.3": null}`),
		textSource("c.zone", origin4+"1 PTR a.example.\n4 PTR d.example.\n"),
	}, Options{})
	want := flat{"192.0.2.1": "a.example", "192.0.2.3": "", "192.0.2.4": "d.example"}.records()
	if err != nil || !maps.Equal(set.Records[""], want) || !maps.Equal(set.Records["kvm_1"], flat{"192.0.2.2": "b.example"}.records()) || len(set.Records) != 2 {
		t.Errorf("Read = %v, %v, want all records once", set, err)
	}
}

// A record that names its server and one that does not are one record of the server.
func TestServerOfDuplicates(t *testing.T) {
	t.Parallel()
	const named, unnamed = "kvm_1: {192.0.2.1: a.example}\n", "192.0.2.1: a.example\n"
	for _, content := range []string{named + unnamed, unnamed + named} {
		set, err := read(content, Options{})
		if err != nil || len(set.Records) != 1 || !maps.Equal(set.Records["kvm_1"], flat{"192.0.2.1": "a.example"}.records()) {
			t.Errorf("Read(%q) = %v, %v, want one record of kvm_1", content, set, err)
		}
	}
}

// While a file has errors, another one is not blamed for records that may need it.
func TestOneErrorDoesNotCauseAnother(t *testing.T) {
	t.Parallel()
	_, err := Read(context.Background(), []Source{
		textSource("parent", origin4+"@ TXT \"\n10 CNAME 10.customer\n"),
		textSource("child", "$ORIGIN customer.2.0.192.in-addr.arpa.\n10 PTR a.example.\n"),
	}, Options{})
	if err == nil || strings.Contains(err.Error(), "child") {
		t.Errorf("Read = %v, want an error about the parent only", err)
	}
}

// Every error of every file is reported, and the place of both duplicates.
func TestErrorsOfSeveralFiles(t *testing.T) {
	t.Parallel()
	_, err := Read(context.Background(), []Source{
		textSource("a.yaml", "192.0.2.300: a.example\n192.0.2.1: a.example\n"),
		textSource("b.yaml", ""),
		textSource("c.zone", origin4+"1 PTR b.example.\n2 PTR a_b.example.\n"),
		{Name: "d.yaml", Open: func() (io.ReadCloser, error) { return nil, fs.ErrPermission }},
	}, Options{})
	want := `a.yaml, line 1, column 1: 192.0.2.300: not an IP address
c.zone, line 2: 192.0.2.1: b.example: duplicate address: a.example in a.yaml, line 2, column 1; keep one of them
c.zone, line 3: 192.0.2.2: a_b.example.: has an underscore; allow underscores if that is right
d.yaml: cannot be opened: permission denied
b.yaml: contains no records`
	if err == nil || err.Error() != want {
		t.Errorf("Read = %v\nwant %s", err, want)
	}
}

func TestFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ptr.yaml")
	if err := os.WriteFile(path, []byte("192.0.2.1: a.example\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if set, err := Read(context.Background(), []Source{File(path)}, Options{}); err != nil || !maps.Equal(set.Records[""], flat{"192.0.2.1": "a.example"}.records()) {
		t.Errorf("Read(%s) = %v, %v, want its record", path, set, err)
	}
	if _, err := Read(context.Background(), []Source{File(path + "x")}, Options{}); err == nil || !strings.Contains(err.Error(), path+"x: cannot be opened: ") {
		t.Errorf("Read of a file that does not exist = %v, want that it cannot be opened", err)
	}
}

// Reading ends with its context, even if opening or reading a file blocks.
func TestReadEndsWithContext(t *testing.T) {
	t.Parallel()
	reason := errors.New("interrupted")
	release := make(chan struct{})
	defer close(release)
	opening := Source{"f", func() (io.ReadCloser, error) { <-release; return nil, fs.ErrClosed }}
	pipe, writer := io.Pipe()
	defer func() { _ = writer.Close() }()
	reading := Source{"f", func() (io.ReadCloser, error) { return pipe, nil }}
	for name, source := range map[string]Source{"opening": opening, "reading": reading} {
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(10*time.Millisecond, func() { cancel(reason) })
		if set, err := Read(ctx, []Source{source}, Options{}); set != nil || !errors.Is(err, reason) {
			t.Errorf("Read of a file that blocks while %s = %v, %v, want %v", name, set, err, reason)
		}
	}
}

// zeros is an endless file.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestFileSizeLimit(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("reads 256 MiB")
	}
	endless := Source{"f", func() (io.ReadCloser, error) { return io.NopCloser(zeros{}), nil }}
	if _, err := Read(context.Background(), []Source{endless}, Options{}); err == nil || err.Error() != "f: more than 256 MiB; split the file" {
		t.Errorf("Read of an endless file = %v, want the limit", err)
	}
}

func TestTooManyLines(t *testing.T) {
	t.Parallel()
	const want = "f: more than 2000000 lines or commas; split the file"
	for _, content := range []string{strings.Repeat("#\n", 2*maxRecords+1), "[" + strings.Repeat("a,", 2*maxRecords+1)} {
		_, err := read(content, Options{})
		if err == nil || strings.HasPrefix(content, "#") && err.Error() != want {
			t.Errorf("Read of %.10q = %v, want %s", content, err, want)
		}
	}
}

// Of two more records, both fit or only the first does, in each kind of file.
func TestRecordLimit(t *testing.T) {
	t.Parallel()
	for _, content := range []string{
		"192.0.2.1: a.example\n192.0.2.2: b.example\n",
		"kvm_1:\n  192.0.2.1: a.example\n  192.0.2.2: b.example\n",
		`{"records":[{"ip":"192.0.2.1","name":"a.example"},{"ip":"192.0.2.2","name":"b.example"}]}`,
		"1.2.0.192.in-addr.arpa. PTR a.example.\n2.2.0.192.in-addr.arpa. PTR b.example.\n",
		origin4 + "$GENERATE 1-2 $ PTR h$.example.\n",
	} {
		for before, want := range map[int]string{maxRecords - 2: "", maxRecords - 1: "f: more than 1000000 records in all; read them in several parts"} {
			c := newCollector(Options{})
			c.count = before
			c.startFile("f")
			c.readContent([]byte(content))
			if _, err := c.set(); err == nil && want != "" || err != nil && err.Error() != want {
				t.Errorf("reading %q after %d records = %v, want %q", content, before, err, want)
			}
		}
	}
}
