package edis

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/edisptr/edis-go/gen"
	"github.com/edisptr/edis-go/pkg/internal/canonical"
)

// ptrsIn returns the records in a response to a request for these sorted addresses, or
// for all if there are none. The name of an address that has no record is empty.
func ptrsIn(ctx context.Context, response gen.GetPTRSuccess, requested []string) (map[netip.Addr]string, error) {
	records := response.Records
	for ip, name := range response.Data.PTR {
		records = append(records, gen.GetPTRRecord{IP: ip, PTRRecord: name})
	}
	if response.Records == nil && response.Data.PTR == nil {
		return nil, errors.New("neither /records nor /data/ptr")
	}
	var names nameReader
	ptrs := make(map[netip.Addr]string, len(records))
	for _, record := range records {
		if err := ctx.Err(); err != nil {
			return nil, err // many records take a while
		}
		address, err := receivedAddress(record.IP, requested)
		if _, duplicate := ptrs[address]; err != nil || duplicate {
			return nil, fmt.Errorf("%q is an unexpected, duplicate or invalid address", record.IP)
		}
		ptrs[address] = names.read(address, record.PTRRecord)
	}
	return ptrs, nil
}

// receivedAddress returns the address of a record in canonical form. It returns an error
// if it was not requested; if none was, any address may come.
func receivedAddress(ip string, requested []string) (netip.Addr, error) {
	address, err := netip.ParseAddr(ip)
	if err == nil {
		address, err = canonical.Address(address)
	}
	if _, expected := slices.BinarySearch(requested, address.String()); err == nil && len(requested) > 0 && !expected {
		err = errors.New("not requested")
	}
	return address, err
}

// A nameReader reads the names of one response. It maps a limited number of those that are
// internationalized. Names in the DNS are ASCII and a server has a few addresses, so more
// of them are hostile, and mapping takes long.
type nameReader struct{ mapped int }

const maxMapped = 1000

// read returns the name of a record in canonical form, or as it is if it is no host name,
// or an empty one if it stands for no record.
func (r *nameReader) read(address netip.Addr, name string) string {
	if !canonical.IsASCII(name) {
		r.mapped++
	}
	if canonicalName, err := canonical.ReceivedName(name); err == nil && r.mapped <= maxMapped {
		name = canonicalName
	}
	if canonical.IsOwnReverseName(address, name) {
		return ""
	}
	return name
}

// differences returns the records that are not as wanted, with what they are.
func differences(wanted, ptrs map[netip.Addr]string) map[netip.Addr]string {
	differing := make(map[netip.Addr]string)
	for address, name := range wanted {
		gone := name == "" && canonical.IsDefaultName(address, ptrs[address])
		if ptrs[address] != name && !gone {
			differing[address] = ptrs[address]
		}
	}
	return differing
}
