// Package fcrdns checks forward-confirmed reverse DNS: whether a PTR name of an
// address resolves back to that address (RFC 1912, section 2.1). Mail servers
// commonly reject mail from addresses that fail this check.
//
//	results := fcrdns.Check(ctx, nil, netip.MustParseAddr("192.0.2.10"))
//	if !results[0].Confirmed {
//		fmt.Println(results[0].Reason)
//	}
//
// A check reports what one resolver sees now. After a change, the resolver may
// return the old records until they expire from its cache.
package fcrdns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
)

// A Resolver does the lookups of a check. [*net.Resolver] implements it. It must
// be safe for concurrent use.
//
// If a Resolver also has the LookupCNAME method of [*net.Resolver], [Check]
// reports which names are aliases.
type Resolver interface {
	// LookupAddr returns the PTR names of an address.
	LookupAddr(ctx context.Context, address string) (names []string, err error)
	// LookupNetIP returns the addresses of a host. The network is always "ip".
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// A Result is the outcome of the check of one address.
type Result struct {
	// Address is the checked address. An IPv4-mapped IPv6 address is converted
	// to IPv4.
	Address netip.Addr
	// Names are the PTR names, at most 10, in the order the resolver returns
	// them.
	Names []Name
	// Confirmed reports whether one of the names resolves back to Address.
	Confirmed bool
	// Reason explains why Address is not confirmed. It is empty if Confirmed is
	// true.
	Reason string
	// Err is the error of a failed lookup, such as a timeout, if it left the
	// check undecided; otherwise it is nil. A record that does not exist is not
	// an error.
	Err error
}

// A Name is a PTR name and the addresses it resolves to.
type Name struct {
	// Host is the name, without a trailing dot.
	Host string
	// Addresses are the addresses that Host resolves to. IPv4-mapped IPv6
	// addresses are converted to IPv4.
	Addresses []netip.Addr
	// CNAME is the canonical name of Host, without a trailing dot, if Host is an
	// alias; otherwise it is empty. A PTR record should not point to an alias
	// (RFC 1912, section 2.4).
	CNAME string
}

const (
	maxNames    = 10 // the limit of RFC 7208, section 4.6.4
	maxParallel = 16
)

// Check looks up the PTR names of each address and the addresses of those names.
// It checks up to 16 addresses in parallel and returns one [Result] per address,
// in the order of addresses. If resolver is nil, Check uses
// [net.DefaultResolver]. A failed lookup does not stop the other checks; its
// error is in the Err field of its Result.
func Check(ctx context.Context, resolver Resolver, addresses ...netip.Addr) []Result {
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	results := make([]Result, len(addresses))
	slots := make(chan struct{}, maxParallel)
	var running sync.WaitGroup
	for i, address := range addresses {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			results[i] = check(ctx, resolver, address.Unmap())
		})
	}
	running.Wait()
	return results
}

func check(ctx context.Context, resolver Resolver, address netip.Addr) Result {
	result := Result{Address: address}
	if !address.IsValid() {
		result.Reason = "not an IP address"
		return result
	}
	hosts, err := resolver.LookupAddr(ctx, address.String())
	if len(hosts) == 0 {
		result.Reason, result.Err = explain(err, "no PTR record")
		return result
	}
	for _, host := range hosts[:min(len(hosts), maxNames)] {
		name, err := lookupName(ctx, resolver, strings.TrimSuffix(host, "."))
		result.Names = append(result.Names, name)
		result.Confirmed = result.Confirmed || slices.Contains(name.Addresses, address)
		if err != nil {
			result.Err = err
		}
	}
	if result.Confirmed {
		result.Err = nil // one confirming name is enough
		return result
	}
	result.Reason, result.Err = explain(result.Err, mismatch(result.Names))
	return result
}

// lookupName looks up the addresses and the canonical name of host. A host that
// does not exist is not an error.
func lookupName(ctx context.Context, resolver Resolver, host string) (Name, error) {
	name := Name{Host: host}
	absolute := host + "." // keeps the resolver from trying search domains
	addresses, err := resolver.LookupNetIP(ctx, "ip", absolute)
	for _, address := range addresses {
		name.Addresses = append(name.Addresses, address.Unmap())
	}
	if isNotFound(err) {
		return name, nil
	}
	if err != nil {
		return name, err
	}
	if resolver, ok := resolver.(interface {
		LookupCNAME(ctx context.Context, host string) (string, error)
	}); ok {
		canonical, err := resolver.LookupCNAME(ctx, absolute)
		if canonical = strings.TrimSuffix(canonical, "."); err == nil && !strings.EqualFold(canonical, host) {
			name.CNAME = canonical
		}
	}
	return name, nil
}

// mismatch describes what names resolve to.
func mismatch(names []Name) string {
	parts := make([]string, len(names))
	for i, name := range names {
		if len(name.Addresses) == 0 {
			parts[i] = name.Host + " has no address"
		} else {
			parts[i] = fmt.Sprintf("%s resolves to %s", name.Host, join(name.Addresses))
		}
	}
	return strings.Join(parts, "; ")
}

func join(addresses []netip.Addr) string {
	texts := make([]string, len(addresses))
	for i, address := range addresses {
		texts[i] = address.String()
	}
	return strings.Join(texts, ", ")
}

// explain returns the Reason and the Err of an unconfirmed Result: reason if the
// DNS gave a definite answer, and the lookup error if it did not.
func explain(err error, reason string) (string, error) {
	if err == nil || isNotFound(err) {
		return reason, nil
	}
	return "lookup failed: " + err.Error(), err
}

func isNotFound(err error) bool {
	var dnsErr *net.DNSError
	return errors.As(err, &dnsErr) && dnsErr.IsNotFound
}
