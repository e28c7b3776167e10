package fcrdns_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/edisptr/edis-go/pkg/fcrdns"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	client := newClient(t, startServer(t, serveZone))
	for _, test := range []struct {
		address string
		names   string // host, CNAME and addresses of each name
		verdict fcrdns.Verdict
		reason  string
	}{
		{"192.0.2.1", "good.example  192.0.2.1", fcrdns.Confirmed, ""},
		{"::ffff:192.0.2.1", "good.example  192.0.2.1", fcrdns.Confirmed, ""},
		{"2001:db8::1", "good.example  2001:db8::1", fcrdns.Confirmed, ""},
		{"2001:db8::1%eth0", "good.example  2001:db8::1", fcrdns.Confirmed, ""},
		{"192.0.2.2", "elsewhere.example  198.51.100.1,198.51.100.2", fcrdns.NotConfirmed, "elsewhere.example resolves to 198.51.100.1, 198.51.100.2"},
		{"192.0.2.3", "nowhere.example  ", fcrdns.NotConfirmed, "nowhere.example has no IPv4 address"},
		{"192.0.2.4", "elsewhere.example  198.51.100.1,198.51.100.2|second.example  192.0.2.4", fcrdns.Confirmed, ""},
		{"192.0.2.5", "alias.example real.example 192.0.2.5", fcrdns.Confirmed, ""},
		{"192.0.2.6", "broken.example  ", fcrdns.Undecided, "could not check: lookup broken.example on "},
		{"192.0.2.7", "broken.example  |seven.example  192.0.2.7,192.0.2.12", fcrdns.Confirmed, ""},
		{"192.0.2.8", "", fcrdns.NotConfirmed, "no PTR record"},
		// The broken name may have the address, whether it is the first or the last.
		{"192.0.2.9", "broken.example  |elsewhere.example  198.51.100.1,198.51.100.2", fcrdns.Undecided, "could not check: lookup broken.example on "},
		{"192.0.2.10", "another.example  198.51.100.1|broken.example  ", fcrdns.Undecided, "could not check: lookup broken.example on "},
		{"192.0.2.12", "seven.example  192.0.2.7,192.0.2.12", fcrdns.Confirmed, ""},
		{"192.0.2.13", "half.example  192.0.2.13", fcrdns.Confirmed, ""}, // AAAA queries fail
		{"192.0.2.14", "only6.example  ", fcrdns.NotConfirmed, "only6.example has no IPv4 address"},
		{"192.0.2.15", "dangling.example nowhere.example ", fcrdns.NotConfirmed, "dangling.example has no IPv4 address"},
		// An IPv4-mapped address in an AAAA record is no IPv4 address.
		{"192.0.2.11", "mapped.example  ", fcrdns.NotConfirmed, "mapped.example has no IPv4 address"},
		{"::ffff:192.0.2.11", "mapped.example  ", fcrdns.NotConfirmed, "mapped.example has no IPv4 address"},
		{"2001:db8::2", "mapped.example  ::ffff:192.0.2.11", fcrdns.NotConfirmed, "mapped.example resolves to ::ffff:192.0.2.11"},
		{"", "", fcrdns.NotConfirmed, "not an IP address"},
	} {
		t.Run(test.address, func(t *testing.T) {
			t.Parallel()
			address, _ := netip.ParseAddr(test.address)
			got := fcrdns.Check(t.Context(), client, address)[0]
			if got.Address != address.Unmap().WithZone("") || got.Verdict != test.verdict || (got.Err != nil) != (test.verdict == fcrdns.Undecided) {
				t.Errorf("Check(%v) = %+v, want %+v", address, got, test)
			}
			if !strings.HasPrefix(got.Reason, test.reason) || (got.Reason == "") != (test.verdict == fcrdns.Confirmed) {
				t.Errorf("Check(%v).Reason = %q, want %q", address, got.Reason, test.reason)
			}
			if names := format(got.Names); names != test.names {
				t.Errorf("Check(%v).Names = %q, want %q", address, names, test.names)
			}
		})
	}
}

// format returns names in their order. Their addresses, which a server may return in any
// order, are sorted.
func format(names []fcrdns.Name) string {
	texts := make([]string, len(names))
	for i, name := range names {
		var addresses []string
		for _, address := range slices.SortedFunc(slices.Values(name.Addresses), netip.Addr.Compare) {
			addresses = append(addresses, address.String())
		}
		texts[i] = fmt.Sprintf("%s %s %s", name.Host, name.CNAME, strings.Join(addresses, ","))
	}
	return strings.Join(texts, "|")
}

// Mail servers do not accept names that are not host names, so these do not confirm an
// address, even if they have it.
func TestCheckHostNames(t *testing.T) {
	t.Parallel()
	client := newClient(t, startServer(t, serveZone))
	for _, test := range []struct{ address, host string }{
		{"192.0.2.20", `-dash.example`},
		{"192.0.2.21", `dash-.example`},
		{"192.0.2.22", `a.-b`},
		{"192.0.2.33", `a.b-.example`},
		{"192.0.2.23", `a\ b.example`},
		{"192.0.2.24", `192.0.2.24`},
		{"192.0.2.25", `a.1`},
		{"192.0.2.26", `dot\.ted.example`},
		{"192.0.2.27", `.`},
		{"192.0.2.28", `a\027[2J\010\000\255.example`},
	} {
		got := checkOne(t.Context(), client, test.address)
		if want := fmt.Sprintf("PTR name %q is not a host name", test.host); got.Verdict != fcrdns.NotConfirmed || got.Err != nil || got.Reason != want || format(got.Names) != test.host+"  " {
			t.Errorf("Check(%s) = %+v, want not confirmed because %s, without a lookup of %s", test.address, got, want, test.host)
		}
	}
	for address, names := range map[string]string{
		"192.0.2.29": "good29.example  192.0.2.29|-dash.example  ", // host names come first
		"192.0.2.30": "_under_score_.example  192.0.2.30",
		"192.0.2.31": "single  192.0.2.31",
		"192.0.2.32": "in-side--r.example  192.0.2.32",
	} {
		if got := checkOne(t.Context(), client, address); got.Verdict != fcrdns.Confirmed || format(got.Names) != names {
			t.Errorf("Check(%s) = %+v, want confirmed with names %q", address, got, names)
		}
	}
}

// A name in a PTR record is absolute, and looked up once.
func TestCheckLooksUpAbsoluteNames(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 9)
	client := newClient(t, startServer(t, func(w dns.ResponseWriter, query *dns.Msg) {
		asked <- query.Question[0].Name
		serveZone(w, query)
	}))
	checkOne(t.Context(), client, "192.0.2.31")
	if ptr, host := <-asked, <-asked; ptr != "31.2.0.192.in-addr.arpa." || host != "single." || len(asked) != 0 {
		t.Errorf("Check asked for %q, %q and %d more names, want 31.2.0.192.in-addr.arpa. and single. only", ptr, host, len(asked))
	}
}

// manyNames returns a handler that has the PTR names for every address, in a new order
// for each query. Of the host names, only the confirming one has the address 192.0.2.1.
func manyNames(names []string, confirming string) dns.HandlerFunc {
	var queries atomic.Int64
	return func(w dns.ResponseWriter, query *dns.Msg) {
		response := new(dns.Msg).SetReply(query)
		response.RecursionAvailable = true
		name := query.Question[0].Name
		switch {
		case query.Question[0].Qtype == dns.TypePTR:
			first := int(queries.Add(7)) % len(names)
			for _, target := range append(slices.Clone(names[first:]), names[:first]...) {
				response.Answer = append(response.Answer, &dns.PTR{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypePTR, Class: dns.ClassINET}, Ptr: target})
			}
		case strings.EqualFold(name, confirming):
			response.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: []byte{192, 0, 2, 1}}}
		}
		serve(w, query, response)
	}
}

// Of many names, the first 10 in alphabetical order are tried. If none of them has the
// address, another one may.
func TestCheckLimitsNames(t *testing.T) {
	t.Parallel()
	var sixty, ten, spellings []string
	for i := range 60 {
		sixty = append(sixty, fmt.Sprintf("n%02d.example.", i))
	}
	ten = sixty[:10]
	for i := range 12 {
		spellings = append(spellings, strings.ToUpper("abcdefghijkl"[:i])+"abcdefghijkl"[i:]+".example.")
	}
	const undecided = "could not check: only 10 of %d names were tried"
	for name, test := range map[string]struct {
		names      []string
		confirming string
		tried      int
		verdict    fcrdns.Verdict
		reason     string
	}{
		"the first confirms":          {sixty, "n00.example.", 10, fcrdns.Confirmed, ""},
		"the tenth confirms":          {sixty, "n09.example.", 10, fcrdns.Confirmed, ""},
		"the eleventh would confirm":  {sixty, "n10.example.", 10, fcrdns.Undecided, fmt.Sprintf(undecided, 60)},
		"the last would confirm":      {sixty, "n59.example.", 10, fcrdns.Undecided, fmt.Sprintf(undecided, 60)},
		"eleven":                      {sixty[:11], "", 10, fcrdns.Undecided, fmt.Sprintf(undecided, 11)},
		"ten":                         {ten, "", 10, fcrdns.NotConfirmed, "n00.example has no IPv4 address; "},
		"ten, and no host names":      {append([]string{"-a.example.", "-b.example."}, ten...), "n09.example.", 10, fcrdns.Confirmed, ""},
		"the others are no hosts":     {append([]string{"-a.example.", "-b.example."}, ten...), "", 10, fcrdns.NotConfirmed, "n00.example has no IPv4 address; "},
		"upper-case letters confirm":  {append([]string{"A.example."}, sixty...), "a.example.", 10, fcrdns.Confirmed, ""},
		"twelve spellings of a name":  {spellings, "", 1, fcrdns.NotConfirmed, "ABCDEFGHIJKl.example has no IPv4 address"},
		"upper-case letters are last": {append([]string{"Z.example."}, sixty...), "z.example.", 10, fcrdns.Undecided, fmt.Sprintf(undecided, 61)},
	} {
		client := newClient(t, startServer(t, manyNames(test.names, test.confirming)))
		for range 3 {
			got := checkOne(t.Context(), client, "192.0.2.1")
			if got.Verdict != test.verdict || (got.Err != nil) != (test.verdict == fcrdns.Undecided) || len(got.Names) != test.tried || !strings.HasPrefix(got.Reason, test.reason) {
				t.Errorf("%s: Check = %+v, want %v, %q with %d names", name, got, test.verdict, test.reason, test.tried)
			}
		}
	}
}

// Both reasons why a check is undecided are named.
func TestCheckManyNamesAndFailedLookup(t *testing.T) {
	t.Parallel()
	names := []string{"broken.example."}
	for i := range 20 {
		names = append(names, fmt.Sprintf("n%02d.example.", i))
	}
	many := manyNames(names, "")
	client := newClient(t, startServer(t, func(w dns.ResponseWriter, query *dns.Msg) {
		if query.Question[0].Name == "broken.example." {
			serveZone(w, query)
			return
		}
		many(w, query)
	}))
	got := checkOne(t.Context(), client, "192.0.2.1")
	if got.Verdict != fcrdns.Undecided || !strings.Contains(got.Reason, "SERVFAIL; only 10 of 21 names were tried") {
		t.Errorf("Check = %+v, want undecided because of SERVFAIL and the names that were not tried", got)
	}
}

func TestCheckManyAddresses(t *testing.T) {
	t.Parallel()
	var mutex sync.Mutex
	running, peak := 0, 0
	count := func(change int) int {
		mutex.Lock()
		defer mutex.Unlock()
		running += change
		peak = max(peak, running)
		return running
	}
	full := make(chan struct{}) // closed when 16 queries wait
	release := sync.OnceFunc(func() { close(full) })
	client := newClient(t, startServer(t, func(w dns.ResponseWriter, query *dns.Msg) {
		if count(1) == 16 {
			time.Sleep(20 * time.Millisecond) // for a seventeenth query
			release()
		}
		<-full
		count(-1) // before the response, after which the next query may come
		serveZone(w, query)
	}))
	var addresses []netip.Addr
	for i := range 100 {
		addresses = append(addresses, netip.AddrFrom4([4]byte{192, 0, 2, byte(100 + i)}))
	}
	addresses[50] = netip.MustParseAddr("192.0.2.1")
	for i, result := range fcrdns.Check(t.Context(), client, addresses...) {
		if result.Address != addresses[i] || (result.Verdict == fcrdns.Confirmed) != (i == 50) {
			t.Errorf("Check(...)[%d] = %+v, want address %v, confirmed %t", i, result, addresses[i], i == 50)
		}
	}
	mutex.Lock()
	defer mutex.Unlock()
	if peak != 16 {
		t.Errorf("Check ran %d lookups in parallel, want 16", peak)
	}
}

// A nil client is one of the servers of this system. Nothing is sent here.
func TestCheckWithoutClient(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := checkOne(ctx, nil, "192.0.2.1"); got.Verdict != fcrdns.Undecided || got.Err == nil {
		t.Errorf("Check(canceled context) = %+v, want undecided", got)
	}
}

func TestVerdictString(t *testing.T) {
	t.Parallel()
	var zero fcrdns.Verdict
	for verdict, want := range map[fcrdns.Verdict]string{zero: "undecided", fcrdns.NotConfirmed: "not confirmed", fcrdns.Confirmed: "confirmed", 7: "Verdict(7)"} {
		if got := verdict.String(); got != want {
			t.Errorf("Verdict(%d).String() = %q, want %q", int(verdict), got, want)
		}
	}
}
