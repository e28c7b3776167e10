package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"
	"go.yaml.in/yaml/v4"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/internal/canonical"
	"github.com/edisptr/edis-go/pkg/internal/redact"
)

// recordSet maps KVM IDs to the desired records of a server. An empty ID means
// the server that the environment selects. An empty name means no record.
type recordSet map[string]map[netip.Addr]string

// Limits of a file, so that a wrong or hostile one fails with a message before it takes
// all memory. $GENERATE expands a small file to a large zone.
const (
	maxFileBytes = 256 << 20
	maxRecords   = 1_000_000
)

// recordReader collects the records and the errors of a file.
type recordReader struct {
	records         recordSet
	seen            map[netip.Addr]struct{} // in all of records
	count, size     int                     // records and their bytes, invalid ones included
	errs            inputErrors
	allowUnderscore bool
}

func newRecordReader(allowUnderscore bool) *recordReader {
	return &recordReader{records: make(recordSet), seen: make(map[netip.Addr]struct{}), allowUnderscore: allowUnderscore}
}

// readRecords reads a file, or stdin if file is "-". The file is a YAML or JSON
// map of addresses to host names, a map of KVM IDs to such maps, or a zone file.
func (a *app) readRecords(file string) (recordSet, error) {
	content, err := readFile(file, a.stdin)
	if err != nil {
		return nil, &edis.InputError{Field: "file", Value: file, Reason: err.Error()}
	}
	r := newRecordReader(a.allowUnderscore)
	r.read(content)
	if len(r.records) == 0 && len(r.errs) == 0 {
		r.errs.add("file", file, "contains no records")
	}
	return r.records, errors.Join(r.errs...)
}

func readFile(file string, stdin io.Reader) ([]byte, error) {
	source := stdin
	if file != "-" {
		opened, err := os.Open(file) //nolint:gosec // the user names the file
		if err != nil {
			return nil, err
		}
		defer func() { _ = opened.Close() }()
		source = opened
	}
	content, err := io.ReadAll(io.LimitReader(source, maxFileBytes+1))
	if err == nil && len(content) > maxFileBytes {
		err = fmt.Errorf("more than %d MiB; split it into several files", maxFileBytes>>20)
	}
	return content, err
}

// read reads the content of a file.
func (r *recordReader) read(content []byte) {
	content = bytes.TrimPrefix(content, []byte("\ufeff"))
	if looksLikeZone.Match(content) {
		r.readZone(content)
	} else {
		r.readMap(content)
	}
}

// looksLikeZone matches what a map of addresses cannot contain: a zone file
// directive, or the type PTR surrounded by white space.
var looksLikeZone = regexp.MustCompile(`(?mi)^\$(?:ORIGIN|TTL|INCLUDE|GENERATE)\s|^[^#;:{"']*\sPTR\s`)

// fits counts a record of the given size and reports whether it is within the
// limits of a file. It adds an error for the first one that is not.
func (r *recordReader) fits(size int) bool {
	r.count++
	r.size += size
	switch {
	case r.count > maxRecords:
		r.errs.add("file", "", fmt.Sprintf("more than %d records; split it into several files", maxRecords))
	case r.size > maxFileBytes:
		r.errs.add("file", "", fmt.Sprintf("more than %d MiB of records; split it into several files", maxFileBytes>>20))
	default:
		return true
	}
	return false
}

// add adds a record, or an error that names its location.
func (r *recordReader) add(location, kvmID, addressText, name string) {
	address, err := netip.ParseAddr(addressText)
	if err != nil {
		r.errs.add(location, addressText, "not an IP address")
		return
	}
	if address, err = canonical.Address(address); err != nil {
		r.errs.add(location, addressText, err.Error())
		return
	}
	if name != "" {
		canonicalName, err := canonical.Name(name, r.allowUnderscore)
		if err == nil {
			err = checkLabels(name)
		}
		if err != nil {
			r.errs.add(location+": "+address.String(), name, err.Error())
			return
		}
		name = canonicalName
	}
	if redact.Printable(kvmID) != kvmID {
		r.errs.add(location, kvmID, "not a KVM ID: has characters that are not printable")
		return
	}
	if _, ok := r.seen[address]; ok { // an address belongs to only one KVM server
		r.errs.add(location, addressText, "duplicate address")
		return
	}
	r.seen[address] = struct{}{}
	if r.records[kvmID] == nil {
		r.records[kvmID] = make(map[netip.Addr]string)
	}
	r.records[kvmID][address] = name
}

// readMap reads YAML, which includes JSON. It walks the nodes, because decoding
// into a Go map would lose line numbers and duplicate keys.
func (r *recordReader) readMap(content []byte) {
	root := r.parseMap(content)
	if root == nil {
		return
	}
	if r.readJSONOutput(root) {
		return
	}
	for key, value := range r.entries(root) {
		if value.Kind != yaml.MappingNode {
			if !r.fits(0) {
				return
			}
			r.addNode("", key, value)
			continue
		}
		for address, name := range r.entries(value) {
			if !r.fits(0) {
				return
			}
			r.addNode(key.Value, address, name)
		}
	}
}

// readJSONOutput reads the output of get or list with -o json, and reports whether root
// is such output.
func (r *recordReader) readJSONOutput(root *yaml.Node) bool {
	var output struct {
		Servers []serverRecords
		KVMID   string `yaml:"kvm_id"`
		Records []recordState
	}
	isOutput := false
	for pair := range slices.Chunk(root.Content, 2) {
		isOutput = isOutput || pair[1].Kind == yaml.SequenceNode && slices.Contains([]string{"servers", "records"}, pair[0].Value)
	}
	if !isOutput {
		return false
	}
	if err := root.Decode(&output); err != nil {
		r.errs.add("file", "", fmt.Sprintf("not what get or list prints with -o json: %v", err))
	}
	for _, server := range append(output.Servers, serverRecords{KVMID: output.KVMID, Records: output.Records}) {
		for _, record := range server.Records {
			name := record.Name
			if name != "" {
				name = dns.Fqdn(name) // as it is, even if it has one label
			}
			if !r.fits(0) {
				return true
			}
			if name == "" && record.State != stateAbsent && record.State != stateDeleted {
				r.errs.add("record", record.IP.String(), "has no name, and its state is not absent")
				continue
			}
			r.add("record", server.KVMID, record.IP.String(), name)
		}
	}
	return true
}

// parseMap returns the map that content consists of, or nil if there is none.
func (r *recordReader) parseMap(content []byte) *yaml.Node {
	// The nodes take far more memory than the text, so the limit is checked before
	// parsing. A record takes a line or a comma; there may be as many comments.
	if max(bytes.Count(content, []byte("\n")), bytes.Count(content, []byte(","))) > 2*maxRecords {
		r.errs.add("file", "", fmt.Sprintf("more than %d lines or commas; split it into several files", 2*maxRecords))
		return nil
	}
	var document, second yaml.Node
	decoder := yaml.NewDecoder(yamlReader(content))
	err := decoder.Decode(&document)
	switch {
	case errors.Is(err, io.EOF) || err == nil && len(document.Content) == 0:
		return nil
	case err != nil:
		r.errs.add("file", "", fmt.Sprintf("not YAML, JSON or a zone file: %v", err))
		return nil
	case !errors.Is(decoder.Decode(&second), io.EOF):
		r.errs.add("file", "", "contains more than one YAML document")
		return nil
	}
	root := document.Content[0]
	if root.Kind != yaml.MappingNode {
		r.errs.add(line(root), "", "want a map of IP addresses to host names")
		return nil
	}
	return root
}

// flowStart matches a file up to a line that begins with a brace or bracket, if only
// comments and empty lines come before it.
var flowStart = regexp.MustCompile(`\A((?:[ \t\r]*(?:#.*)?\n)*)[ \t]*[\[{]`)

// yamlReader returns a reader of content, with a document marker before a brace or
// bracket: without one, the parser takes it for the start of a key, and keeps all
// tokens up to its end.
func yamlReader(content []byte) io.Reader {
	match := flowStart.FindSubmatch(content)
	if match == nil {
		return bytes.NewReader(content)
	}
	start := len(match[1])
	return io.MultiReader(bytes.NewReader(content[:start]), strings.NewReader("--- "), bytes.NewReader(content[start:]))
}

// entries returns the keys and values of a map. It adds an error for aliases, merge keys,
// and keys that are not text.
func (r *recordReader) entries(node *yaml.Node) iter.Seq2[*yaml.Node, *yaml.Node] {
	return func(yield func(key, value *yaml.Node) bool) {
		for pair := range slices.Chunk(node.Content, 2) {
			key, value := pair[0], pair[1]
			switch {
			case key.Kind == yaml.AliasNode || value.Kind == yaml.AliasNode || key.Value == "<<":
				r.errs.add(line(key), key.Value, "aliases (*name) and merge keys (<<) are not supported; write the records out")
			case key.Kind != yaml.ScalarNode || key.Value == "":
				r.errs.add(line(key), "", "want an IP address or a KVM ID before the colon")
			case !yield(key, value):
				return
			}
		}
	}
}

// addNode adds a record. Only an explicit null deletes one: an absent value may have been
// cut off.
func (r *recordReader) addNode(kvmID string, key, value *yaml.Node) {
	isNull := value.Kind == yaml.ScalarNode && value.ShortTag() == "!!null"
	switch {
	case isNull && slices.Contains([]string{"null", "Null", "NULL", "~"}, value.Value):
		r.add(line(key), kvmID, key.Value, "")
	case isNull:
		r.errs.add(line(key), key.Value, "has no host name; write null to delete the record")
	case value.Kind != yaml.ScalarNode || value.ShortTag() != "!!str" || value.Value == "":
		r.errs.add(line(value), key.Value, "want a host name string, or null for no record")
	default:
		r.add(line(key), kvmID, key.Value, value.Value)
	}
}

func line(node *yaml.Node) string { return fmt.Sprintf("line %d", node.Line) }

const (
	zoneTTL    = 3600
	kvmComment = "kvm_id=" // and the KVM ID, in a comment of a record in a zone file
)

// readZone reads the PTR records of a zone file (RFC 1035, section 5). It
// ignores all other records, such as SOA and NS. The parser does not follow
// $INCLUDE unless it is told to.
func (r *recordReader) readZone(content []byte) {
	if r.checkGenerate(content); len(r.errs) > 0 {
		return
	}
	parser := dns.NewZoneParser(bytes.NewReader(content), "", "")
	parser.SetDefaultTTL(zoneTTL)
	for record, ok := parser.Next(); ok && r.fits(dns.Len(record)); record, ok = parser.Next() {
		if ptr, ok := record.(*dns.PTR); ok && ptr.Hdr.Class == dns.ClassINET {
			_, kvmID, _ := strings.Cut(parser.Comment(), kvmComment)
			r.addPTR(ptr, strings.TrimSpace(kvmID))
		}
	}
	if err := parser.Err(); err != nil {
		r.errs.add("zone file", "", strings.TrimPrefix(err.Error(), "dns: "))
	}
}

// generate matches a $GENERATE line. Parentheses and quotes could continue it on
// the next lines.
var generate = regexp.MustCompile(`(?i)^\s*\$GENERATE\s+(\d+)-(\d+)(?:/(\d+))?\s[^()"]*$`)

// checkGenerate checks the $GENERATE lines before they are expanded. The parser
// limits the records of each, but not the length, nor the records of all of them.
func (r *recordReader) checkGenerate(content []byte) {
	const directive, maxLength, maxPerLine = "$GENERATE", 1000, 65536 // per line: as the parser
	number, total := 0, 0
	for text := range bytes.Lines(content) {
		number++
		start := bytes.TrimSpace(text)
		if len(start) < len(directive) || !bytes.EqualFold(start[:len(directive)], []byte(directive)) {
			continue
		}
		match := generate.FindSubmatch(text)
		if match == nil || len(text) > maxLength {
			r.errs.add(fmt.Sprintf("line %d", number), directive, fmt.Sprintf("want START-STOP or START-STOP/STEP and a record, in one line of at most %d bytes without parentheses and quotes", maxLength))
			return
		}
		count := generated(match[1:])
		if total += count; count > maxPerLine || total > maxRecords {
			r.errs.add(fmt.Sprintf("line %d", number), directive, fmt.Sprintf("too many records; one line may make at most %d, a file at most %d", maxPerLine, maxRecords))
			return
		}
	}
}

// generated returns how many records a range of start, stop and step makes, at
// most a few more than a file may have. The parser reports an invalid range.
func generated(bounds [][]byte) int {
	var numbers [3]int
	for i, text := range bounds {
		numbers[i], _ = strconv.Atoi(string(text)) // the nearest number if out of range
	}
	start, stop, step := numbers[0], numbers[1], max(numbers[2], 1)
	return min(max(stop-start, 0)/step, maxRecords) + 1
}

// addPTR adds a record of a zone file. The parser accepts a PTR record without a
// host name, which must not delete a record. A host name in the reverse zone is
// most likely a name without its trailing dot, completed with the origin.
func (r *recordReader) addPTR(ptr *dns.PTR, kvmID string) {
	owner := ptr.Hdr.Name
	address, ok := parseReverseName(owner)
	switch {
	case !ok:
		r.errs.add("zone file", owner, "not the reverse name of an IP address; check $ORIGIN")
	case ptr.Ptr == "":
		r.errs.add("zone file", owner, "has no host name")
	case dns.IsSubDomain("in-addr.arpa.", ptr.Ptr) || dns.IsSubDomain("ip6.arpa.", ptr.Ptr):
		r.errs.add("zone file: "+owner, ptr.Ptr, "is in the reverse zone; is the trailing dot missing?")
	default:
		r.add("zone file", kvmID, address.String(), ptr.Ptr)
	}
}

// parseReverseName returns the address of a name under in-addr.arpa. (RFC 1035,
// section 3.5) or ip6.arpa. (RFC 3596, section 2.5).
func parseReverseName(owner string) (netip.Addr, bool) {
	labels := dns.SplitDomainName(dns.CanonicalName(owner))
	slices.Reverse(labels)
	var text string
	switch {
	case dns.IsSubDomain("in-addr.arpa.", owner) && len(labels) == 6:
		text = strings.Join(labels[2:], ".")
	case dns.IsSubDomain("ip6.arpa.", owner) && len(labels) == 34:
		groups := make([]string, 0, 8)
		for nibbles := range slices.Chunk(labels[2:], 4) {
			groups = append(groups, strings.Join(nibbles, ""))
		}
		text = strings.Join(groups, ":")
	}
	address, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}, false
	}
	name, err := dns.ReverseAddr(address.String())
	return address, err == nil && strings.EqualFold(name, dns.Fqdn(owner))
}
