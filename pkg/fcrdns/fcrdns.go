// Package fcrdns checks forward-confirmed reverse DNS: whether a PTR name of an
// address resolves back to that address (RFC 1912, section 2.1). Mail servers
// commonly reject mail from addresses that fail this check.
//
//	server, err := fcrdns.NewServer("192.0.2.53")
//	if err != nil {
//		return err
//	}
//	results := fcrdns.Check(ctx, server, netip.MustParseAddr("192.0.2.10"))
//	if !results[0].Confirmed {
//		fmt.Println(results[0].Reason)
//	}
//
// With a [Server], a check sees the DNS only. The system's resolver also reads
// the hosts file (/etc/hosts), and so may confirm a name that the DNS does not
// have.
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

	"github.com/miekg/dns"
)

// A Resolver does the lookups of a check. [*Server] and [*net.Resolver] implement
// it. It must be safe for concurrent use.
//
// If a Resolver also has the LookupCNAME method of [*net.Resolver], [Check]
// reports which names are aliases.
type Resolver interface {
	// LookupAddr returns the PTR names of an address.
	LookupAddr(ctx context.Context, address string) (names []string, err error)
	// LookupNetIP returns the addresses of a host. The network is "ip4" if the
	// checked address is an IPv4 address, and "ip6" if not. The host ends with a
	// dot: search domains must not be tried.
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
	// Err is the error of a failed lookup, such as a timeout, that left the check
	// undecided: Address is neither confirmed nor known not to be. Otherwise it is nil. A
	// record that does not exist is not an error.
	Err error
}

// A Name is a PTR name and the addresses it resolves to.
type Name struct {
	// Host is the name, without a trailing dot. It is not looked up if it is not a host
	// name; a Server then escapes its special characters.
	Host string
	// Addresses are the addresses that Host resolves to, of the IP version of the
	// checked address. IPv4-mapped IPv6 addresses are converted to IPv4.
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
// in the order of addresses. If resolver is nil, Check uses the system's resolver
// ([net.DefaultResolver]), which also reads the hosts file (/etc/hosts). A failed
// lookup does not stop the other checks; its error is in the Err field of its
// Result.
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
	// A [net.Resolver] returns names with an error if there are others that are
	// not host names. Those could not confirm the address.
	if len(hosts) == 0 {
		result.Reason, result.Err = explain(err, "no PTR record")
		return result
	}
	for _, host := range hosts[:min(len(hosts), maxNames)] {
		name, err := lookupName(ctx, resolver, networkOf(address), strings.TrimSuffix(host, "."))
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
	result.Reason, result.Err = explain(result.Err, mismatch(result.Names, address))
	return result
}

// networkOf returns the network of address. The lookup of the other one could
// fail, or return an IPv4 address from an AAAA record.
func networkOf(address netip.Addr) string {
	if address.Is4() {
		return "ip4"
	}
	return "ip6"
}

// isHostName reports whether host is a host name and not an IP address (RFC 1123,
// section 2.1). Underscores are common in PTR names and are accepted.
func isHostName(host string) bool {
	const digits, letters = "0123456789", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	_, ok := dns.IsDomainName(host)
	return ok && strings.Trim(host, letters+digits+"-_.") == "" && strings.Trim(host[strings.LastIndex(host, ".")+1:], digits) != ""
}

// lookupName looks up the addresses and the canonical name of host. A host that
// does not exist is not an error.
func lookupName(ctx context.Context, resolver Resolver, network, host string) (Name, error) {
	name := Name{Host: host}
	if !isHostName(host) {
		return name, nil
	}
	absolute := host + "." // keeps the resolver from trying search domains
	addresses, err := resolver.LookupNetIP(ctx, network, absolute)
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

// mismatch describes what names resolve to instead of address.
func mismatch(names []Name, address netip.Addr) string {
	parts := make([]string, len(names))
	for i, name := range names {
		switch {
		case !isHostName(name.Host):
			parts[i] = fmt.Sprintf("PTR name %q is not a host name", name.Host)
		case len(name.Addresses) == 0:
			parts[i] = fmt.Sprintf("%s has no IPv%s address", name.Host, networkOf(address)[2:])
		default:
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
	return "could not check: " + err.Error(), err
}

func isNotFound(err error) bool {
	var dnsErr *net.DNSError
	return errors.As(err, &dnsErr) && dnsErr.IsNotFound
}
