// Package recordfile reads and writes files of PTR records: YAML and JSON maps of addresses
// to host names, what edisptr prints as JSON, and zone files in master format (RFC 1035,
// section 5).
//
// [Read] merges several files into one [Set]. It either reads every PTR record of an
// address, or returns errors that say what is wrong, where, and what to do. PTR records
// that are not of an address are skipped and noted.
//
// Time and memory are linear in the size of the files. A file may have 256 MiB, and all
// files of a set 1,000,000 records.
package recordfile

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"
)

// A Source is a file to read.
type Source struct {
	// Name identifies the file in errors and notes.
	Name string
	// Open returns the content. It is called once, and may block, as opening a FIFO does.
	Open func() (io.ReadCloser, error)
}

// File returns the source of the file at a path.
func File(path string) Source {
	return Source{path, func() (io.ReadCloser, error) {
		return os.Open(path) //nolint:gosec // the user names the file
	}}
}

// Options change how files are read. The zero value has the defaults.
type Options struct {
	// Origin is the name of the zone, such as 2.0.192.in-addr.arpa, to which the relative
	// names of a zone file belong until its first $ORIGIN. The default is none.
	Origin string
	// AllowUnderscore allows underscores in host names.
	AllowUnderscore bool
}

// A Set contains the records of all files that were read together.
type Set struct {
	// Records maps KVM IDs to the host names of addresses, in the form in which they are
	// sent. An empty ID means that the file does not name the server. An empty host name
	// means no record. A server that a file names without records has an empty map.
	Records map[string]map[netip.Addr]string
	// Notes say what was skipped or inferred, in one line each.
	Notes []string

	servers map[string]bool // that maps name, "" for a map without KVM IDs
	zones   coverage
}

// Covers reports whether the files are meant to contain all records of an address or a
// server, so that an address without a record in them should have none. A YAML or JSON map
// covers the servers that it names, and the empty KVM ID if it has addresses without one. A
// zone file covers its reverse zones, whatever the server, but not what the zone delegates.
func (s *Set) Covers(kvmID string, address netip.Addr) bool {
	return s.servers[kvmID] || s.zones.contains(address)
}

// Read reads files and merges their records. Records of one address must be identical,
// and then count once. If ctx ends, Read returns its cause at once, even if a file blocks;
// a goroutine then remains until the file ends.
//
// All errors about the content of files are returned together, joined, each as an [*Error].
func Read(ctx context.Context, sources []Source, options Options) (*Set, error) {
	type result struct {
		set *Set
		err error
	}
	done := make(chan result, 1)
	go func() {
		set, err := readAll(ctx, sources, options)
		done <- result{set, err}
	}()
	select {
	case r := <-done:
		return r.set, r.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func readAll(ctx context.Context, sources []Source, options Options) (*Set, error) {
	c := newCollector(options)
	for _, source := range sources {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		c.startFile(source.Name)
		content, err := readSource(source)
		if err != nil {
			c.fail(c.at(0, 0), "", err.Error())
			continue
		}
		c.readContent(content)
		c.errors.endFile()
	}
	return c.set()
}

// maxFileBytes limits a file, so that a wrong one fails with a message before it takes
// all memory.
const maxFileBytes = 256 << 20

func readSource(source Source) ([]byte, error) {
	reader, err := source.Open()
	if err != nil {
		return nil, fmt.Errorf("cannot be opened: %w", err)
	}
	defer func() { _ = reader.Close() }()
	content, err := io.ReadAll(io.LimitReader(reader, maxFileBytes+1))
	if err == nil && len(content) > maxFileBytes {
		err = fmt.Errorf("more than %d MiB; split the file", maxFileBytes>>20)
	}
	return content, err
}

// CoversZones reports whether the set has zone files, which cover reverse zones of any
// server.
func (s *Set) CoversZones() bool { return len(s.zones.zones) > 0 }

// LeavesServersOpen reports whether a map has addresses without a KVM ID.
func (s *Set) LeavesServersOpen() bool { return s.servers[""] }
