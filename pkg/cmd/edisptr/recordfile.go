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
	"strings"

	"github.com/miekg/dns"
	"go.yaml.in/yaml/v4"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/internal/canonical"
)

// recordSet maps KVM IDs to the desired records of a server. An empty ID means
// the server that the environment selects. An empty name means no record.
type recordSet map[string]map[netip.Addr]string

// recordReader collects the records and the errors of a file.
type recordReader struct {
	records         recordSet
	errs            inputErrors
	allowUnderscore bool
}

// readRecords reads a file, or stdin if file is "-". The file is a YAML or JSON
// map of addresses to host names, a map of KVM IDs to such maps, or a zone file.
func (a *app) readRecords(file string) (recordSet, error) {
	content, err := readFile(file, a.stdin)
	if err != nil {
		return nil, err
	}
	content = bytes.TrimPrefix(content, []byte("\ufeff"))
	r := &recordReader{records: make(recordSet), allowUnderscore: a.allowUnderscore}
	if looksLikeZone.Match(content) {
		r.readZone(content)
	} else {
		r.readMap(content)
	}
	if len(r.records) == 0 && len(r.errs) == 0 {
		r.errs.add("file", file, "contains no records")
	}
	return r.records, errors.Join(r.errs...)
}

func readFile(file string, stdin io.Reader) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(stdin)
	}
	content, err := os.ReadFile(file) //nolint:gosec // the user names the file
	if err != nil {
		return nil, &edis.InputError{Field: "file", Value: file, Reason: err.Error()}
	}
	return content, nil
}

// looksLikeZone matches what a map of addresses cannot contain: a zone file
// directive, or the type PTR surrounded by white space.
var looksLikeZone = regexp.MustCompile(`(?mi)^\$(?:ORIGIN|TTL)\s|^[^#;:{"']*\sPTR\s`)

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
		if err != nil {
			r.errs.add(location+": "+address.String(), name, err.Error())
			return
		}
		name = canonicalName
	}
	for _, ptrs := range r.records { // an address belongs to only one KVM server
		if _, ok := ptrs[address]; ok {
			r.errs.add(location, addressText, "duplicate address")
			return
		}
	}
	if r.records[kvmID] == nil {
		r.records[kvmID] = make(map[netip.Addr]string)
	}
	r.records[kvmID][address] = name
}

// readMap reads YAML, which includes JSON. It walks the nodes, because decoding
// into a Go map would lose line numbers and duplicate keys.
func (r *recordReader) readMap(content []byte) {
	var document, second yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	err := decoder.Decode(&document)
	switch {
	case errors.Is(err, io.EOF) || err == nil && len(document.Content) == 0:
		return
	case err != nil:
		r.errs.add("file", "", fmt.Sprintf("not YAML, JSON or a zone file: %v", err))
		return
	case !errors.Is(decoder.Decode(&second), io.EOF):
		r.errs.add("file", "", "contains more than one YAML document")
		return
	}
	root := document.Content[0]
	if root.Kind != yaml.MappingNode {
		r.errs.add(line(root), "", "want a map of IP addresses to host names")
		return
	}
	for key, value := range r.entries(root) {
		if value.Kind != yaml.MappingNode {
			r.addNode("", key, value)
			continue
		}
		for address, name := range r.entries(value) {
			r.addNode(key.Value, address, name)
		}
	}
}

// entries returns the keys and values of a map. It adds an error for those that
// are not written out where they stand, or have no text as the key.
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

// addNode adds a record. Only a null that is written deletes one: a value that is
// absent may have been cut off.
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
// ignores all other records, such as SOA and NS.
func (r *recordReader) readZone(content []byte) {
	parser := dns.NewZoneParser(bytes.NewReader(content), "", "")
	parser.SetDefaultTTL(zoneTTL)
	for record, ok := parser.Next(); ok; record, ok = parser.Next() {
		if ptr, ok := record.(*dns.PTR); ok && ptr.Hdr.Class == dns.ClassINET {
			_, kvmID, _ := strings.Cut(parser.Comment(), kvmComment)
			r.addPTR(ptr, strings.TrimSpace(kvmID))
		}
	}
	if err := parser.Err(); err != nil {
		r.errs.add("zone file", "", strings.TrimPrefix(err.Error(), "dns: "))
	}
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
