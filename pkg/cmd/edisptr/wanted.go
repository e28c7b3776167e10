package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/miekg/dns"
	"go.yaml.in/yaml/v4"

	"github.com/edisptr/edis-go/pkg/internal/canonical"
)

// wanted are the records that a file asks for, by KVM id; an empty id is the KVM
// server that the environment names. An empty name asks for no record.
type wanted map[string]map[netip.Addr]string

// wantedReader gathers what a file asks for, and all that is wrong with it.
type wantedReader struct {
	records         wanted
	bad             problems
	allowUnderscore bool
}

// readWanted reads a file, or stdin for "-": a map from address to host name, a
// map from KVM id to such maps (YAML or JSON), or a zone file with PTR records.
func (a *app) readWanted(file string) (wanted, error) {
	content, err := readFile(file, a.stdin)
	if err != nil {
		return nil, err
	}
	content = bytes.TrimPrefix(content, []byte("\ufeff"))
	r := &wantedReader{records: make(wanted), allowUnderscore: a.allowUnderscore}
	if looksLikeZone.Match(content) {
		r.readZone(content)
	} else {
		r.readMap(content)
	}
	if len(r.records) == 0 && len(r.bad) == 0 {
		r.bad.add("file", file, "has no records")
	}
	return r.records, errors.Join(r.bad...)
}

func readFile(file string, stdin io.Reader) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(stdin)
	}
	content, err := os.ReadFile(file) //nolint:gosec // the user names the file
	if err != nil {
		return nil, fileError(file, err)
	}
	return content, nil
}

func fileError(file string, err error) error {
	var bad problems
	bad.add("file", file, err.Error())
	return errors.Join(bad...)
}

// looksLikeZone finds what no map of addresses has: a directive of zone files,
// or the type PTR between blanks.
var looksLikeZone = regexp.MustCompile(`(?mi)^\$(?:ORIGIN|TTL)\s|^[^#;:{"']*\sPTR\s`)

// add takes one record, or says what is wrong with it.
func (r *wantedReader) add(place, kvmID, addressText, name string) {
	address, err := netip.ParseAddr(addressText)
	if err != nil {
		r.bad.add(place, addressText, "not an IP address")
		return
	}
	address, refused := canonical.Address(address)
	if refused != "" {
		r.bad.add(place, addressText, refused)
		return
	}
	if name != "" {
		if name, refused = canonical.Name(name, r.allowUnderscore); refused != "" {
			r.bad.add(place+": "+address.String(), name, refused)
			return
		}
	}
	for _, ptrs := range r.records { // an address has one KVM server
		if _, twice := ptrs[address]; twice {
			r.bad.add(place, addressText, "the address is given more than once")
			return
		}
	}
	if r.records[kvmID] == nil {
		r.records[kvmID] = make(map[netip.Addr]string)
	}
	r.records[kvmID][address] = name
}

// readMap reads YAML, of which JSON is a part. It walks the nodes rather than
// decoding into a map, to tell lines and to see what is given twice.
func (r *wantedReader) readMap(content []byte) {
	var document, second yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	err := decoder.Decode(&document)
	switch {
	case errors.Is(err, io.EOF) || err == nil && len(document.Content) == 0:
		return
	case err != nil:
		r.bad.add("file", "", fmt.Sprintf("neither YAML, JSON nor a zone file: %v", err))
		return
	case !errors.Is(decoder.Decode(&second), io.EOF):
		r.bad.add("file", "", "holds more than one YAML document")
		return
	}
	root := document.Content[0]
	if root.Kind != yaml.MappingNode {
		r.bad.add(line(root), "", "want a map from IP address to host name")
		return
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		if value.Kind != yaml.MappingNode {
			r.addNode("", key, value)
			continue
		}
		for j := 0; j+1 < len(value.Content); j += 2 {
			r.addNode(key.Value, value.Content[j], value.Content[j+1])
		}
	}
}

func (r *wantedReader) addNode(kvmID string, key, value *yaml.Node) {
	switch {
	case value.Kind == yaml.ScalarNode && value.ShortTag() == "!!null":
		r.add(line(key), kvmID, key.Value, "")
	case value.Kind != yaml.ScalarNode || value.ShortTag() != "!!str" || value.Value == "":
		r.bad.add(line(value), key.Value, "want a host name as text, or null for no record")
	default:
		r.add(line(key), kvmID, key.Value, value.Value)
	}
}

func line(node *yaml.Node) string { return fmt.Sprintf("line %d", node.Line) }

// readZone reads the PTR records of a zone file (RFC 1035, section 5); others,
// such as SOA and NS, are no matter of PTR records and are left out.
func (r *wantedReader) readZone(content []byte) {
	parser := dns.NewZoneParser(bytes.NewReader(content), "", "")
	parser.SetDefaultTTL(3600)
	for record, ok := parser.Next(); ok; record, ok = parser.Next() {
		if ptr, ok := record.(*dns.PTR); ok && ptr.Hdr.Class == dns.ClassINET {
			r.addPTR(ptr)
		}
	}
	if err := parser.Err(); err != nil {
		r.bad.add("zone file", "", strings.TrimPrefix(err.Error(), "dns: "))
	}
}

// addPTR takes a record of a zone file. The parser lets a record without a name
// pass, which must not ask for no record; and a name that belongs to the zone
// itself lacks the dot at its end.
func (r *wantedReader) addPTR(ptr *dns.PTR) {
	owner := ptr.Hdr.Name
	address, ok := addressOf(owner)
	switch {
	case !ok:
		r.bad.add("zone file", owner, "not the reverse name of an IP address; is $ORIGIN right?")
	case ptr.Ptr == "":
		r.bad.add("zone file", owner, "has no host name")
	case dns.IsSubDomain("in-addr.arpa.", ptr.Ptr) || dns.IsSubDomain("ip6.arpa.", ptr.Ptr):
		r.bad.add("zone file: "+owner, ptr.Ptr, "lies in the reverse zone; is the dot at its end missing?")
	default:
		r.add("zone file", "", address.String(), ptr.Ptr)
	}
}

// addressOf reads an address from its name below in-addr.arpa. or ip6.arpa. (RFC
// 1035, section 3.5; RFC 3596, section 2.5).
func addressOf(owner string) (netip.Addr, bool) {
	labels := dns.SplitDomainName(dns.CanonicalName(owner))
	for i, j := 0, len(labels)-3; i < j; i, j = i+1, j-1 {
		labels[i], labels[j] = labels[j], labels[i]
	}
	var text string
	switch {
	case dns.IsSubDomain("in-addr.arpa.", owner) && len(labels) == 6:
		text = strings.Join(labels[:4], ".")
	case dns.IsSubDomain("ip6.arpa.", owner) && len(labels) == 34:
		groups := make([]string, 0, 8)
		for nibbles := range slices.Chunk(labels[:32], 4) {
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
