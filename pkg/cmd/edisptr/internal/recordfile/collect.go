package recordfile

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/edisptr/edis-go/pkg/internal/canonical"
	"github.com/edisptr/edis-go/pkg/internal/redact"
)

// maxRecords limits a set. $GENERATE expands a small file to many records.
const maxRecords = 1_000_000

// collector collects the records, errors and notes of all files.
type collector struct {
	options Options
	files   []fileState // the last one is being read
	records map[netip.Addr]record
	servers map[string]bool   // see Set
	ids     map[string]string // one copy of each KVM ID
	zones   zoneData
	count   int // records of all kinds, invalid ones included
	errors  errorList
	notes   []note
}

// fileState is what is known of a file.
type fileState struct {
	name    string
	found   bool       // it contains records of an address, or names a server
	waiting pendingPTR // the first of its records that other files may make one of an address
	failed  bool
}

// record is a record and where it comes from.
type record struct {
	kvmID, name string
	at          position
}

func newCollector(options Options) *collector {
	return &collector{
		options: options,
		records: make(map[netip.Addr]record),
		servers: make(map[string]bool),
		ids:     make(map[string]string),
		zones:   newZoneData(),
	}
}

func (c *collector) startFile(name string) {
	c.files = append(c.files, fileState{name: name})
	c.errors.startFile()
}

// at returns a place in the current file.
func (c *collector) at(line, column int) position {
	return position{int32(len(c.files) - 1), int32(line), int32(column)} //nolint:gosec // a file has at most 256 MiB
}

func (c *collector) place(at position) string {
	return place(c.files[at.file].name, int(at.line), int(at.column))
}

// fail adds an error about a value.
func (c *collector) fail(at position, value, reason string) { c.failKey(at, "", value, reason) }

// failKey adds an error about a value that belongs to a key, such as the host name of an
// address.
func (c *collector) failKey(at position, key, value, reason string) {
	c.errors.add(c.newError(at, key, value, reason))
}

// failOnly makes the reason the only error of the current file, of which no more is read.
func (c *collector) failOnly(at position, reason string) {
	c.errors.only(c.newError(at, "", "", reason))
}

func (c *collector) newError(at position, key, value, reason string) *Error {
	file := &c.files[at.file]
	file.failed = true
	return &Error{file.name, int(at.line), int(at.column), key, value, reason}
}

// fits counts a record, and reports whether it is within the limit and the file is worth
// reading on. It adds an error for the first record that is beyond the limit.
func (c *collector) fits() bool {
	c.count++
	if c.count > maxRecords {
		c.failOnly(c.at(0, 0), fmt.Sprintf("more than %d records in all; read them in several parts", maxRecords))
	}
	return !c.errors.stopped
}

// nameServer notes that the files cover a server.
func (c *collector) nameServer(at position, kvmID string) {
	if redact.Printable(kvmID) != kvmID {
		c.fail(at, kvmID, "not a KVM ID: has characters that are not printable")
		return
	}
	c.servers[c.intern(kvmID)] = true
	c.files[at.file].found = true
}

// addText adds a record whose address is text.
func (c *collector) addText(at position, kvmID, addressText, name string) {
	address, err := netip.ParseAddr(addressText)
	if err != nil {
		c.fail(at, addressText, "not an IP address")
		return
	}
	c.add(at, kvmID, address, name)
}

// add adds a record. An empty name means no record.
func (c *collector) add(at position, kvmID string, address netip.Addr, name string) {
	valid, err := canonical.Address(address)
	if err != nil {
		c.fail(at, address.String(), err.Error())
		return
	}
	if name != "" {
		canonicalName, err := canonical.Name(name, c.options.AllowUnderscore)
		if err == nil {
			err = CheckLabels(name)
		}
		if err != nil {
			c.failKey(at, valid.String(), name, err.Error())
			return
		}
		name = strings.Clone(canonicalName) // not a part of the whole file
	}
	c.files[at.file].found = true
	c.merge(valid, record{c.intern(kvmID), name, at})
}

// intern returns one copy of an ID that many records have.
func (c *collector) intern(kvmID string) string {
	if known, ok := c.ids[kvmID]; ok {
		return known
	}
	kvmID = strings.Clone(kvmID)
	c.ids[kvmID] = kvmID
	return kvmID
}

// merge adds a record unless the address has one. Identical records are one (RFC 2181,
// section 5), and a record that names its server is identical to one that does not.
func (c *collector) merge(address netip.Addr, added record) {
	before, ok := c.records[address]
	switch {
	case !ok:
		c.records[address] = added
	case before.name != added.name:
		c.failKey(added.at, address.String(), describe(added.name), fmt.Sprintf("duplicate address: %s in %s; keep one of them", describe(before.name), c.place(before.at)))
	case before.kvmID == "":
		before.kvmID = added.kvmID
		c.records[address] = before
	case added.kvmID != "" && added.kvmID != before.kvmID:
		c.failKey(added.at, address.String(), added.kvmID, fmt.Sprintf("duplicate address: under %s in %s; it belongs to only one server", before.kvmID, c.place(before.at)))
	}
}

func describe(name string) string {
	if name == "" {
		return "no record"
	}
	return name
}

// set returns all records, or all errors.
func (c *collector) set() (*Set, error) {
	resolved := len(c.errors.errs) == 0
	if resolved {
		c.resolveZones()
	}
	for i, file := range c.files {
		if !file.found && !file.failed && (resolved || file.waiting.owner == "") {
			c.failEmpty(file, position{file: int32(i)})
		}
	}
	if err := c.errors.err(); err != nil {
		return nil, err
	}
	set := &Set{Records: make(map[string]map[netip.Addr]string), Notes: c.noteLines(), servers: c.servers, zones: c.zones.coverage}
	for kvmID := range c.servers {
		if kvmID != "" {
			set.Records[kvmID] = make(map[netip.Addr]string)
		}
	}
	for address, r := range c.records {
		if set.Records[r.kvmID] == nil {
			set.Records[r.kvmID] = make(map[netip.Addr]string)
		}
		set.Records[r.kvmID][address] = r.name
	}
	return set, nil
}

func (c *collector) failEmpty(file fileState, at position) {
	c.errors.startFile()
	if file.waiting.owner == "" {
		c.fail(at, "", "contains no records")
		return
	}
	c.fail(file.waiting.at, file.waiting.owner, "not the reverse name of an address, like all others in the file; check $ORIGIN, or give the file with the parent zone too")
}

// CheckLabels returns an error for a host name of one label, which is most likely
// incomplete. A trailing dot marks it as complete, as in a zone file. Names that are not
// valid have a better error elsewhere.
func CheckLabels(name string) error {
	if strings.Contains(name, ".") {
		return nil
	}
	if valid, _ := canonical.Name(name, true); valid == "" {
		return nil
	}
	return errors.New("is incomplete; use " + name + ".example.com, or " + name + ". if it really has one label")
}
