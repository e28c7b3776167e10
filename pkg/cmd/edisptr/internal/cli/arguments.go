package cli

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/edisptr/edis-go/pkg/cmd/edisptr/internal/recordfile"
	"github.com/edisptr/edis-go/pkg/edis"
)

// parseAssignments returns the records in arguments of the form IP=HOST.
func parseAssignments(args []string, client *edis.Client, bad *problems) map[netip.Addr]string {
	records := make(map[netip.Addr]string, len(args))
	for _, arg := range args {
		text, name, ok := strings.Cut(arg, "=")
		addr, err := netip.ParseAddr(text)
		switch {
		case !ok:
			bad.add("argument", arg, "is not of the form IP=HOST")
		case err != nil:
			bad.add("argument", arg, "has no IP address before the =; write IP=HOST")
		case name == "":
			bad.add("argument", arg, fmt.Sprintf("has no host name; to delete the record, run: edisptr delete %s", addr))
		default:
			bad.addRecord(records, addr, name)
		}
	}
	if client != nil && len(records) > 0 {
		_, err := client.CanonicalPTRs(records)
		bad.with(err)
	}
	return records
}

// addRecord adds the record of an argument.
func (p *problems) addRecord(records map[netip.Addr]string, addr netip.Addr, name string) {
	if err := recordfile.CheckLabels(name); err != nil {
		p.add(addr.String(), name, err.Error())
	}
	if _, duplicate := records[addr]; duplicate {
		p.add("address", addr.String(), "is given twice")
	}
	records[addr] = name
}

// parseAddresses returns the addresses in arguments, each with no host name.
func parseAddresses(args []string, bad *problems) map[netip.Addr]string {
	records := make(map[netip.Addr]string, len(args))
	for _, arg := range args {
		addr, err := netip.ParseAddr(arg)
		if err != nil {
			bad.add("argument", arg, "is not an IP address")
			continue
		}
		if addr, err = edis.CanonicalAddr(addr); err != nil {
			bad.with(err)
			continue
		}
		if _, duplicate := records[addr]; duplicate {
			bad.add("address", arg, "is given twice")
		}
		records[addr] = ""
	}
	return records
}
