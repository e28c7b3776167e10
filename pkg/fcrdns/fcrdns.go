// Package fcrdns checks forward-confirmed reverse DNS. The check is whether a PTR name of
// an address resolves back to that address. Mail servers commonly reject mail from
// addresses that fail it.
//
//	client, err := fcrdns.NewDNSClient("192.0.2.53")
//	if err != nil {
//		return err
//	}
//	results := fcrdns.Check(ctx, client, netip.MustParseAddr("192.0.2.10"))
//	if results[0].Verdict != fcrdns.Confirmed {
//		fmt.Println(results[0].Reason)
//	}
//
// # The decision
//
// Check decides as the iprev method of RFC 8601, section 3, does. An address is confirmed
// if at least one of its PTR names is a host name that has the address. Exim's verify =
// reverse_host_lookup, for example, requires the same.
//
// Some servers are stricter. Postfix, for example, looks only at the first name, and DNS
// servers return several names in any order. Others defer mail if the lookup of any name
// fails. To pass everywhere, give an address one PTR record.
//
// Names that are not host names (RFC 1123, section 2.1) are never looked up, because mail
// servers do not accept them. Underscores are common in PTR names and are allowed.
//
// # What is queried
//
// A check queries DNS servers and nothing else. In particular, it does not read the hosts
// file (/etc/hosts). A mail server often has its own name there, but other mail servers
// do not see that file. A DNS server on this machine, such as systemd-resolved or
// dnsmasq, may read it all the same.
//
// A check reports what one resolver sees now. After a change, the resolver may return the
// old records until they expire from its cache.
package fcrdns

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
)

// A Verdict says whether an address is confirmed. The zero value is [Undecided].
type Verdict int

// The comments name the results of RFC 8601, section 2.7.3.
const (
	Undecided    Verdict = iota // a lookup failed, or there are too many names (temperror)
	NotConfirmed                // no name has the address (fail), or there is no PTR record (permerror)
	Confirmed                   // a name has the address (pass)
)

// String returns "undecided", "not confirmed" or "confirmed".
func (v Verdict) String() string {
	switch v {
	case Undecided:
		return "undecided"
	case NotConfirmed:
		return "not confirmed"
	case Confirmed:
		return "confirmed"
	}
	return fmt.Sprintf("Verdict(%d)", int(v))
}

// A Result is the outcome of the check of one address.
type Result struct {
	// Address is the checked address, without a zone. An IPv4-mapped IPv6 address is
	// converted to IPv4.
	Address netip.Addr
	// Names are the PTR names in alphabetical order, with those that are not host names
	// at the end. There are at most 10 (RFC 7208, section 4.6.4). Others are not tried.
	Names []Name
	// Verdict says whether Address is confirmed.
	Verdict Verdict
	// Reason explains the Verdict in one line. It is empty if Address is confirmed.
	Reason string
	// Err is why the check is undecided, for example a *net.DNSError. Otherwise it is
	// nil. A record that does not exist is not an error.
	Err error
}

// A Name is a PTR name and the addresses it resolves to.
type Name struct {
	// Host is the name, without a trailing dot. Special characters are escaped as in
	// zone files (RFC 1035, section 5.1).
	Host string
	// Addresses are the addresses of Host, of the same IP version as the checked address.
	// They are not looked up if Host is not a host name.
	Addresses []netip.Addr
	// CNAME is the canonical name of Host, without a trailing dot, if Host is an alias.
	// Otherwise it is empty. A PTR record should not point to an alias (RFC 1912, section
	// 2.4).
	CNAME string
}

const (
	maxNames    = 10
	maxParallel = 16
)

// Check looks up the PTR names of each address and the addresses of those names. It
// checks up to 16 addresses in parallel and returns one [Result] per address, in the
// order of addresses. If client is nil, Check uses the zero [DNSClient], which queries
// the DNS servers of this system. A failed lookup does not stop the other checks.
func Check(ctx context.Context, client *DNSClient, addresses ...netip.Addr) []Result {
	if client == nil {
		client = new(DNSClient)
	}
	results := make([]Result, len(addresses))
	slots := make(chan struct{}, maxParallel)
	var running sync.WaitGroup
	for i, address := range addresses {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			results[i] = check(ctx, client, address.Unmap().WithZone(""))
		})
	}
	running.Wait()
	return results
}

func check(ctx context.Context, client *DNSClient, address netip.Addr) Result {
	result := Result{Address: address, Verdict: NotConfirmed}
	if !address.IsValid() {
		result.Reason = "not an IP address"
		return result
	}
	hosts, err := client.lookupPTR(ctx, address)
	if err != nil {
		return result.undecided(err)
	}
	if len(hosts) == 0 {
		result.Reason = "no PTR record"
		return result
	}
	return checkNames(ctx, client, result, sortNames(hosts))
}

// checkNames completes the result with the first of the sorted PTR names.
func checkNames(ctx context.Context, client *DNSClient, result Result, hosts []string) Result {
	var failure error
	for _, host := range hosts[:min(len(hosts), maxNames)] {
		name, err := lookupName(ctx, client, host, result.Address)
		result.Names = append(result.Names, name)
		if slices.Contains(name.Addresses, result.Address) {
			result.Verdict = Confirmed
		}
		failure = cmp.Or(failure, err)
	}
	if result.Verdict == Confirmed {
		return result // one name is enough
	}
	if len(hosts) > maxNames && isHostName(hosts[maxNames]) {
		failure = errors.Join(failure, fmt.Errorf("only %d of %d names were tried", maxNames, len(hosts)))
	}
	if failure != nil {
		return result.undecided(failure)
	}
	result.Reason = mismatch(result)
	return result
}

func (r Result) undecided(err error) Result {
	r.Verdict, r.Err = Undecided, err
	r.Reason = "could not check: " + strings.ReplaceAll(err.Error(), "\n", "; ")
	return r
}

// sortNames sorts names, so that a verdict does not depend on the order in which a
// server returns them. Those that are not host names come last. They cannot confirm, and
// so must not take the place of one that can.
func sortNames(names []string) []string {
	slices.SortFunc(names, func(a, b string) int {
		if isHostName(a) != isHostName(b) {
			if isHostName(a) {
				return -1
			}
			return 1
		}
		return cmp.Or(strings.Compare(strings.ToLower(a), strings.ToLower(b)), strings.Compare(a, b))
	})
	return slices.CompactFunc(names, strings.EqualFold)
}

// lookupName returns host with its addresses of the IP version of address.
func lookupName(ctx context.Context, client *DNSClient, host string, address netip.Addr) (Name, error) {
	name := Name{Host: host}
	if !isHostName(host) {
		return name, nil
	}
	addresses, canonical, err := client.lookupAddresses(ctx, host, address.Is4())
	name.Addresses = addresses
	if !strings.EqualFold(canonical, host) {
		name.CNAME = canonical
	}
	return name, err
}

// isHostName reports whether name is a host name and not an IP address (RFC 1123,
// section 2.1). Underscores are allowed.
func isHostName(name string) bool {
	const digits, letters = "0123456789", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	last := ""
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' || strings.Trim(label, letters+digits+"-_") != "" {
			return false
		}
		last = label
	}
	return len(name) <= 253 && strings.Trim(last, digits) != ""
}

// mismatch describes what the names of a result resolve to instead of its address.
func mismatch(result Result) string {
	parts := make([]string, len(result.Names))
	for i, name := range result.Names {
		switch {
		case !isHostName(name.Host):
			parts[i] = fmt.Sprintf("PTR name %q is not a host name", name.Host)
		case len(name.Addresses) == 0:
			parts[i] = fmt.Sprintf("%s has no IPv%s address", name.Host, version(result.Address))
		default:
			parts[i] = fmt.Sprintf("%s resolves to %s", name.Host, join(name.Addresses))
		}
	}
	return strings.Join(parts, "; ")
}

func version(address netip.Addr) string {
	if address.Is4() {
		return "4"
	}
	return "6"
}

func join(addresses []netip.Addr) string {
	texts := make([]string, len(addresses))
	for i, address := range addresses {
		texts[i] = address.String()
	}
	return strings.Join(texts, ", ")
}
