// Package fcrdns checks forward-confirmed reverse DNS: whether a name that the
// DNS gives for an address leads back to that address (RFC 1912, section 2.1).
// Mail servers commonly reject mail from addresses that fail this check.
//
//	results := fcrdns.Check(ctx, nil, netip.MustParseAddr("192.0.2.10"))
//	if !results[0].Confirmed {
//		fmt.Println(results[0].Reason)
//	}
//
// A check tells what one resolver sees now. Right after a change that may be
// what was there before, until the records expire from its cache.
package fcrdns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
)

// A Resolver answers the two questions of a check. [*net.Resolver] is one.
//
// If a Resolver also has the method LookupCNAME of [*net.Resolver], a check
// reports names that are aliases.
type Resolver interface {
	// LookupAddr returns the PTR names of an address.
	LookupAddr(ctx context.Context, address string) (names []string, err error)
	// LookupNetIP returns the addresses of a host; network is "ip".
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// A Result is what the DNS says of one address.
type Result struct {
	// Address is the address that was checked, an IPv4-mapped one as IPv4.
	Address netip.Addr
	// Names are the PTR names, in the order of the answer, at most 10 of them.
	Names []Name
	// Confirmed tells whether one of the names leads back to Address.
	Confirmed bool
	// Reason says in words why Address is not confirmed; empty if it is.
	Reason string
	// Err is the failure of a look-up that left the matter open, such as a
	// timeout. It is nil if the DNS answered, even if it has no such name.
	Err error
}

// A Name is one PTR name and where it leads.
type Name struct {
	// Host is the name, without a trailing dot.
	Host string
	// Addresses are the forward addresses of Host.
	Addresses []netip.Addr
	// CNAME is the canonical name that Host is an alias of, without a trailing
	// dot; empty if it is none. A PTR record should not point to an alias (RFC
	// 1912, section 2.4).
	CNAME string
}

const (
	maxNames    = 10 // RFC 7208, section 4.6.4, sets the same limit
	maxParallel = 16
)

// Check looks up each address and what its names lead to, several addresses at
// a time, and returns the results in the order of the addresses. A nil resolver
// means [net.DefaultResolver]. Check never fails as a whole: what could not be
// found out stands in the Err of a Result.
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
		result.Reason, result.Err = lookupFailure("no PTR record", err)
		return result
	}
	for _, host := range hosts[:min(len(hosts), maxNames)] {
		name, err := follow(ctx, resolver, strings.TrimSuffix(host, "."))
		result.Names = append(result.Names, name)
		for _, forward := range name.Addresses {
			result.Confirmed = result.Confirmed || forward == address
		}
		if err != nil {
			result.Err = err
		}
	}
	if result.Confirmed {
		result.Err = nil // one name that leads back is enough
		return result
	}
	result.Reason, result.Err = lookupFailure(notConfirmed(result), result.Err)
	return result
}

// follow looks up where a PTR name leads. A name that does not exist leads
// nowhere, which is not an error.
func follow(ctx context.Context, resolver Resolver, host string) (Name, error) {
	name := Name{Host: host}
	absolute := host + "." // not to be completed with search domains
	addresses, err := resolver.LookupNetIP(ctx, "ip", absolute)
	for _, address := range addresses {
		name.Addresses = append(name.Addresses, address.Unmap())
	}
	if err != nil {
		if isNotFound(err) {
			err = nil
		}
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

func notConfirmed(result Result) string {
	var parts []string
	for _, name := range result.Names {
		switch {
		case len(name.Addresses) == 0:
			parts = append(parts, name.Host+" has no address")
		default:
			parts = append(parts, fmt.Sprintf("%s leads to %s", name.Host, join(name.Addresses)))
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

// lookupFailure tells a DNS that says no from one that gives no answer.
func lookupFailure(no string, err error) (reason string, failure error) {
	if err == nil || isNotFound(err) {
		return no, nil
	}
	return "look-up failed: " + err.Error(), err
}

func isNotFound(err error) bool {
	var failure *net.DNSError
	return errors.As(err, &failure) && failure.IsNotFound
}
