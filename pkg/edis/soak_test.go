package edis_test

import (
	"cmp"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/edistest"
)

var (
	soak     = flag.Duration("soak", 0, "how long TestSoak runs")
	soakSeed = flag.Uint64("seed", 0, "seed of the model tests; 0 means always the same in TestModel, and a random one in TestSoak")
)

// The outcome of each of many concurrent calls, on a server that fails at random, agrees
// with the records that the server has in the end.
func TestModel(t *testing.T) {
	t.Parallel()
	checkOutcomes(t, cmp.Or(*soakSeed, 1), 2000)
}

// TestSoak repeats TestModel with 10,000 calls for the duration of the flag -soak, each
// time with another seed.
func TestSoak(t *testing.T) { //nolint:paralleltest // runs alone, for as long as it is told
	if *soak == 0 {
		t.Skip("runs with -soak=1m, see make soak")
	}
	seed, rounds := cmp.Or(*soakSeed, rand.Uint64()), 0
	for deadline := time.Now().Add(*soak); time.Now().Before(deadline) && !t.Failed(); rounds++ {
		checkOutcomes(t, seed+uint64(rounds), 10_000)
	}
	t.Logf("%d rounds of 10,000 calls, from seed %d", rounds, seed)
}

// randomFault returns a fault one time in five, and no fault otherwise.
func randomFault(random *rand.Rand) edistest.Fault {
	if random.IntN(5) > 0 {
		return edistest.Fault{}
	}
	apply := []int{0, 1, -1}[random.IntN(3)]
	faults := []edistest.Fault{
		{Drop: true, Apply: apply},
		{Reset: true, Apply: apply},
		{Status: 500, Apply: apply},
		{Status: 503, Body: htmlBody, Header: http.Header{"Content-Type": {"text/html"}}, Apply: apply},
		{Status: 200, Body: "{}", Apply: apply},
		{Status: 200, Body: `{"status":"succ`, Apply: apply},
		{Status: 202, Body: successBody, Apply: apply},
		{Status: 307, Header: http.Header{"Location": {"/set/ptr"}}, Apply: apply},
		{Status: 408, Apply: apply},
		{Status: 499, Apply: apply},
		{Status: 400},
		{Status: 401},
		{Status: 403},
		{Status: 429},
		{Status: 429, Header: http.Header{"Retry-After": {"3600"}}},
	}
	return faults[random.IntN(len(faults))]
}

// checkOutcomes makes calls, each for its own addresses, and compares their outcomes with
// the records of the server.
func checkOutcomes(t *testing.T, seed uint64, calls int) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 0))
	server := edistest.NewServer()
	defer server.Close()
	faults := make([]edistest.Fault, 2*calls)
	for i := range faults {
		faults[i] = randomFault(random)
	}
	server.Fail("setPTR", faults...)
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	defer transport.CloseIdleConnections()
	client := newClient(t, server.URL, func(o *edis.Options) {
		o.HTTPClient, o.MaxAttempts = &http.Client{Transport: transport}, 2
	})
	errs := make([]error, calls)
	var next atomic.Int64
	concurrently(calls, 64, func() {
		i := next.Add(1) - 1
		errs[i] = client.SetPTR(t.Context(), server.Session(), ptrsFor(int(i)))
	})
	count := make(map[edis.Outcome]int)
	applied := server.PTRs()
	for i, err := range errs {
		outcome := edis.OutcomeOf(err)
		count[outcome]++
		set := setOf(ptrsFor(i), applied)
		if all := len(ptrsFor(i)); outcome == edis.OutcomeDone && set != all || outcome != edis.OutcomeDone && outcome != edis.OutcomeUnknown && set != 0 {
			t.Errorf("call %d set %d of its %d records, but its outcome is %v: %v", i, set, all, outcome, err)
		}
	}
	if count[edis.OutcomeDone] < calls/2 || count[edis.OutcomeUnknown] < calls/50 || count[edis.OutcomeUnchanged] < calls/50 {
		t.Errorf("the outcomes of %d calls are %v, too few of one to be a test", calls, count)
	}
	if t.Failed() {
		t.Logf("to repeat this: go test -run TestModel ./pkg/edis -seed=%d", seed)
	}
}

// setOf returns how many of the records are set.
func setOf(ptrs, applied map[netip.Addr]string) (set int) {
	for address, name := range ptrs {
		if applied[address] == name {
			set++
		}
	}
	return set
}

// ptrsFor returns one to three records that no other call has.
func ptrsFor(call int) map[netip.Addr]string {
	ptrs := make(map[netip.Addr]string)
	for i := range 1 + call%3 {
		ptrs[netip.AddrFrom4([4]byte{10 + byte(i), byte(call >> 16), byte(call >> 8), byte(call)})] = fmt.Sprintf("call-%d.example", call)
	}
	return ptrs
}

// Calls leave no goroutine and no connection behind, however they end. The tests in
// synthetic time need no such check: a synctest bubble ends only when its goroutines have.
func TestNothingIsLeftBehind(t *testing.T) { //nolint:paralleltest // counts the goroutines of the process
	edis.Transport().(interface{ CloseIdleConnections() }).CloseIdleConnections() // of other tests
	before := runtime.NumGoroutine()
	for name, handler := range map[string]http.HandlerFunc{
		"success":      succeed,
		"bad request":  respondWith(400, jsonType, errorBody),
		"server error": serverError,
		"html":         respondWith(200, "text/html", htmlBody),
		"too large":    respondWith(200, jsonType, string(make([]byte, 1<<20))),
		"redirect":     respondWith(307, "", ""),
		"dropped":      drop,
		"short":        cutShort(200, successBody),
		"silent":       stayAway,
		"silent body":  slowBody,
	} {
		var open atomic.Int64
		server := httptest.NewUnstartedServer(handler)
		server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				open.Add(1)
			case http.StateClosed, http.StateHijacked:
				open.Add(-1)
			case http.StateActive, http.StateIdle:
			}
		}
		server.Start()
		transport := &http.Transport{}
		client := newClient(t, server.URL, func(o *edis.Options) {
			o.HTTPClient, o.Timeout = &http.Client{Transport: transport}, 10*time.Millisecond
		})
		for range 3 {
			_ = client.SetPTR(t.Context(), session(), onePTR)
			_, _ = client.GetPTR(t.Context(), client.Account(credentials), addr("192.0.2.1"))
		}
		transport.CloseIdleConnections()
		eventually(t, name+": no open connections", func() bool { return open.Load() == 0 })
		server.Close()
	}
	eventually(t, "no new goroutines", func() bool { return runtime.NumGoroutine() <= before })
}
