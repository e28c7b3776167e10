package recordfile

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
	"go.yaml.in/yaml/v4"

	"github.com/edisptr/edis-go/pkg/internal/canonical"
	"github.com/edisptr/edis-go/pkg/internal/redact"
)

// WriteYAML writes records by KVM ID as a YAML file that [Read] reads, sorted by ID and
// address. Those of the empty ID come first, without one. An empty host name is written as null. A name that is not printable, and could
// not be set in any form, is written with spaces in place of its control characters.
func WriteYAML(w io.Writer, records map[string]map[netip.Addr]string) error {
	document := &yaml.Node{Kind: yaml.MappingNode}
	for _, kvmID := range slices.Sorted(maps.Keys(records)) {
		server := &yaml.Node{Kind: yaml.MappingNode}
		if kvmID == "" {
			server = document
		}
		for _, address := range sorted(records[kvmID]) {
			server.Content = append(server.Content, text(address.String()), nameNode(records[kvmID][address]))
		}
		if kvmID == "" {
			continue
		}
		if len(server.Content) == 0 {
			server.Style = yaml.FlowStyle // {}
		}
		document.Content = append(document.Content, text(redact.Printable(kvmID)), server)
	}
	if len(document.Content) == 0 {
		document.Style = yaml.FlowStyle
	}
	buffered := bufio.NewWriter(w)
	encoder, err := yaml.NewDumper(buffered, yaml.WithIndent(4), yaml.WithLineWidth(-1))
	if err != nil {
		return err
	}
	if err := cmp.Or(encoder.Dump(document), encoder.Close()); err != nil {
		return err
	}
	return buffered.Flush()
}

func text(value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
}

func nameNode(name string) *yaml.Node {
	if name == "" {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}
	}
	return text(fileName(name))
}

// fileName returns a name as Read reads it.
func fileName(name string) string {
	if CheckLabels(name) != nil {
		name = dns.Fqdn(name)
	}
	return redact.Printable(name)
}

func sorted(ptrs map[netip.Addr]string) []netip.Addr {
	return slices.SortedFunc(maps.Keys(ptrs), netip.Addr.Compare)
}

// zoneTTL is the TTL in a zone file, because it must have one. The service tells none.
const zoneTTL = 3600

// WriteZone writes the records of all servers as a zone file that [Read] reads, sorted by
// address. An $ORIGIN for each /24 of IPv4 addresses and each /64 of IPv6 addresses says what
// the file covers. A zone file can express neither which server has an address, nor that an
// address has no record.
func WriteZone(w io.Writer, records map[string]map[netip.Addr]string) error {
	all := make(map[netip.Addr]string)
	for _, ptrs := range records {
		maps.Copy(all, ptrs)
	}
	buffered := bufio.NewWriter(w)
	_, _ = fmt.Fprintf(buffered, "$TTL %d ; not from the service\n", zoneTTL) // Flush returns its error
	origin := ""
	for _, address := range sorted(all) {
		owner := canonical.ReverseName(address) + "."
		if zone := zoneOf(address, owner); zone != origin {
			origin = zone
			_, _ = fmt.Fprintf(buffered, "$ORIGIN %s\n", origin)
		}
		if all[address] == "" {
			continue
		}
		header := dns.RR_Header{Name: owner, Rrtype: dns.TypePTR, Class: dns.ClassINET, Ttl: zoneTTL}
		_, _ = fmt.Fprintln(buffered, &dns.PTR{Hdr: header, Ptr: dns.Fqdn(fileName(all[address]))})
	}
	return buffered.Flush()
}

// zoneOf returns the reverse zone of the /24 or /64 of an address, given its reverse name.
func zoneOf(address netip.Addr, reverseName string) string {
	hostLabels := 1
	if address.Is6() {
		hostLabels = 16
	}
	labels := strings.SplitAfterN(reverseName, ".", hostLabels+1)
	return labels[hostLabels]
}
