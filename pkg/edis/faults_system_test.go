package edis_test

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/edistest"
)

// systemFaults are faults that show only in several calls, or in the records of a read.
var systemFaults = []fault{
	{id: "F72-records", run: testRecords},
	{id: "F75-nothing-left", run: testNoLeaks, alone: true},
	{id: "F76-model", run: func(t *testing.T) { testModel(t, chooseSeed(t, usualSeed), 10_000) }},
}

// testNoLeaks is row F75. It makes calls that end in every way and then counts
// goroutines and connections. The rows in synthetic time need no such check: a
// synctest bubble ends only when its goroutines have.
func testNoLeaks(t *testing.T) {
	before := runtime.NumGoroutine()
	for name, handler := range map[string]http.HandlerFunc{
		"success":      succeed,
		"bad request":  respondWith(400, jsonType, errorBody),
		"server error": serverError,
		"html":         respondWith(200, "text/html", "<html>"),
		"too large":    func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1<<20)) },
		"redirect":     respondWith(307, "", ""),
		"dropped":      drop,
		"short": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9")
			w.WriteHeader(200)
		},
		"silent": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // net/http notices a disconnect only after this
			<-r.Context().Done()
		},
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
			o.HTTPClient, o.Timeout = &http.Client{Transport: transport}, 100*time.Millisecond
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

// eventually fails the test unless done returns true within 5 seconds.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !done(); {
		if time.Now().After(deadline) {
			buffer := make([]byte, 1<<16)
			t.Fatalf("after 5s, still not: %s\n%s", what, buffer[:runtime.Stack(buffer, true)])
		}
		time.Sleep(time.Millisecond)
	}
}

var (
	soak     = flag.Duration("soak", 0, "how long TestSoak runs")
	soakSeed = flag.Uint64("seed", 0, "seed of the model tests; 0 means the usual one of TestFaults, and a random one of TestSoak")
)

// usualSeed is that of row F76, so that ordinary test runs differ in nothing but timing.
const usualSeed = 76

// chooseSeed returns the seed of a model test, and logs it.
func chooseSeed(t *testing.T, usual uint64) uint64 {
	t.Helper()
	seed := cmp.Or(*soakSeed, usual)
	t.Logf("seed %d", seed)
	return seed
}

// TestSoak repeats the model test for the duration of the flag -soak, each time with
// another seed.
func TestSoak(t *testing.T) {
	if *soak == 0 {
		t.Skip("runs with -soak=1m, see make soak")
	}
	seed := chooseSeed(t, rand.Uint64())
	rounds := 0
	for deadline := time.Now().Add(*soak); time.Now().Before(deadline) && !t.Failed(); rounds++ {
		testModel(t, seed+uint64(rounds), 10_000)
	}
	t.Logf("%d rounds of 10,000 calls", rounds)
}

// randomFault returns a fault one time in five, and no fault otherwise.
func randomFault(random *rand.Rand) edistest.Fault {
	if random.IntN(5) > 0 {
		return edistest.Fault{}
	}
	apply := []int{0, 1, -1}[random.IntN(3)]
	return []edistest.Fault{
		{Drop: true, Apply: apply},
		{Reset: true, Apply: apply},
		{Status: 500, Apply: apply},
		{Status: 503, Body: "<html>", Header: http.Header{"Content-Type": {"text/html"}}, Apply: apply},
		{Status: 200, Body: "{}", Apply: apply},
		{Status: 200, Body: `{"status":"succ`, Apply: apply},
		{Status: 202, Body: successBody, Apply: apply},
		{Status: 307, Header: http.Header{"Location": {"/set/ptr"}}, Apply: apply},
		{Status: 408, Apply: apply},
		{Status: 400},
		{Status: 401},
		{Status: 403},
		{Status: 429},
		{Status: 429, Header: http.Header{"Retry-After": {"3600"}}},
	}[random.IntN(14)]
}

// testModel is row F76. It makes many concurrent calls, each for its own addresses,
// on a server that fails at random. It then compares the outcome of each call with
// the records of the server.
func testModel(t *testing.T, seed uint64, calls int) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 76))
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
	outcomes := make([]error, calls)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(calls); i = next.Add(1) - 1 {
				outcomes[i] = client.SetPTR(t.Context(), server.Session(), ptrsFor(int(i)))
			}
		})
	}
	wg.Wait()
	applied := server.PTRs()
	var succeeded, unchanged, unknown int
	for i, err := range outcomes {
		set := 0
		want := ptrsFor(i)
		for address, name := range want {
			if applied[address] == name {
				set++
			}
		}
		switch {
		case err == nil:
			succeeded++
			if set != len(want) {
				t.Errorf("call %d succeeded, but set %d of its %d records", i, set, len(want))
			}
		case errors.Is(err, edis.ErrOutcomeUnknown):
			unknown++
		default:
			unchanged++
			if set != 0 {
				t.Errorf("call %d set %d of its %d records, but says that nothing changed: %v", i, set, len(want), err)
			}
		}
	}
	if succeeded < calls/2 || unknown < calls/50 || unchanged < calls/50 {
		t.Errorf("%d calls succeeded, %d changed nothing and %d have an unknown outcome, too few of one to be a test", succeeded, unchanged, unknown)
	}
	if t.Failed() {
		t.Logf("to repeat this: go test -run TestFaults/F76 ./pkg/edis -seed=%d", seed)
	}
}

// ptrsFor returns one to three records that no other call has.
func ptrsFor(call int) map[netip.Addr]string {
	ptrs := make(map[netip.Addr]string)
	for i := range 1 + call%3 {
		ptrs[netip.AddrFrom4([4]byte{10 + byte(i), byte(call >> 16), byte(call >> 8), byte(call)})] = fmt.Sprintf("call-%d.example", call)
	}
	return ptrs
}
