package reconcile_test

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/edistest"
	"github.com/edisptr/edis-go/pkg/reconcile"
)

var (
	rounds = flag.Int("rounds", 200, "how many rounds TestModel plays")
	seed   = flag.Uint64("seed", 1, "seed of the first round of TestModel; each further one has the next")
)

// Each round has a random fleet with random records, desired records and options. A few
// plans are made and applied while somebody else writes, the service fails, and the
// context ends, all between any two requests. At last one is left in peace. See
// model_checks_test.go for what must hold.
func TestModel(t *testing.T) {
	t.Parallel()
	const side = 4 // by side
	for first := range side {
		t.Run(strconv.Itoa(first), func(t *testing.T) {
			t.Parallel()
			for round := first; round < *rounds && !t.Failed(); round += side {
				synctest.Test(t, func(t *testing.T) { playRound(t, *seed+uint64(round)) })
			}
		})
	}
}

func playRound(t *testing.T, seed uint64) {
	m := newModel(t, seed)
	defer func() {
		if t.Failed() {
			t.Logf("to repeat it: go test ./pkg/reconcile -run TestModel -rounds 1 -seed %d\nrecords %v\noptions %+v\n%s", seed, m.records, m.options, strings.Join(m.log, "\n"))
		}
	}()
	for range m.random.IntN(4) {
		_ = m.run() // it may fail
		time.Sleep(time.Duration(m.random.IntN(3)) * 15 * time.Minute)
	}
	m.peace = true
	for range 2 {
		time.Sleep(time.Hour) // a login may have to wait
		if err := m.run(); err != nil {
			t.Errorf("a run that is left in peace fails: %v", err)
		}
		m.checkComplete()
	}
	if m.writes > 0 && !m.options.Overwrite {
		t.Errorf("a second run that is left in peace writes %d times, want 0", m.writes)
	}
}

// A model is what is known of a round.
type model struct {
	*fleet
	t       *testing.T
	records reconcile.Records
	desired map[netip.Addr]string // the same, by address
	pruned  map[string]bool       // by KVM ID
	options reconcile.Options
	addrs   map[string][]netip.Addr // all, by KVM ID
	peace   bool                    // nobody else writes, and nothing fails

	mutex   sync.Mutex
	random  *rand.Rand
	log     []string
	refused bool                  // a login was
	wanted  map[netip.Addr]string // by the last writer before this run, or somebody else in it
	faults  map[string]func()     // to remove them, by call

	// Of a run:
	cancel      context.CancelFunc
	changes     map[netip.Addr]reconcile.Change // of the plan
	listRefused bool
	writes      int
	initial     map[netip.Addr]string   // what the records were at first
	seen        map[netip.Addr][]string // what they were at any time
	foreign     map[netip.Addr]bool     // somebody else wrote them
	readings    map[netip.Addr]reading
}

// A reading is what was read of a record.
type reading struct {
	name     string
	at       time.Time
	applying bool // not for the plan
}

func newModel(t *testing.T, seed uint64) *model {
	random := rand.New(rand.NewPCG(seed, 0))
	m := &model{
		fleet:   newFleet(t, 1+random.IntN(5), func(o *edis.Options) { o.MaxAttempts = 1 + random.IntN(3) }),
		t:       t,
		random:  random,
		records: make(reconcile.Records),
		desired: make(map[netip.Addr]string),
		pruned:  make(map[string]bool),
		addrs:   make(map[string][]netip.Addr),
		wanted:  make(map[netip.Addr]string),
		faults:  make(map[string]func()),
	}
	for i := range m.servers {
		m.pruned[kvm(i+1)] = random.IntN(2) == 0
		for _, addr := range []netip.Addr{v4(i+1, 1), v4(i+1, 2), v4(i+1, 3), v6(i+1, 1), v6(i+1, 2)} {
			m.add(kvm(i+1), addr)
		}
	}
	m.addrs[kvm(1)] = append(m.addrs[kvm(1)], v4(1, 4))
	m.want(kvm(1), v4(1, 4), m.name()) // at least one
	m.options = reconcile.Options{
		Batch:     random.IntN(4),
		Parallel:  random.IntN(3),
		Overwrite: random.IntN(8) == 0,
		MaxAge:    []time.Duration{-1, 0, time.Minute}[random.IntN(3)],
	}
	if random.IntN(2) == 0 {
		m.options.Prune = func(kvmID string, _ netip.Addr) bool { return m.pruned[kvmID] }
	}
	m.before, m.after = m.beforeRequest, m.afterRequest
	return m
}

// add adds an address of a server, with a record or none, and desired or not.
func (m *model) add(kvmID string, addr netip.Addr) {
	m.addrs[kvmID] = append(m.addrs[kvmID], addr)
	switch m.random.IntN(6) {
	case 0: // no record
	case 1:
		m.wanted[addr] = defaultName(addr)
	default:
		m.wanted[addr] = m.name()
	}
	if m.wanted[addr] != "" {
		m.SetPTRs(map[netip.Addr]string{addr: m.wanted[addr]})
	}
	canBeFound := m.wanted[addr] != "" || m.servers[len(m.addrs)-1].Session.PrimaryIP == addr
	if canBeFound && m.random.IntN(2) == 0 {
		kvmID = ""
	}
	switch m.random.IntN(5) {
	case 0: // not desired
	case 1:
		m.want(kvmID, addr, "")
	default:
		m.want(kvmID, addr, m.name())
	}
}

func (m *model) want(kvmID string, addr netip.Addr, name string) {
	if m.records[kvmID] == nil {
		m.records[kvmID] = make(map[netip.Addr]string)
	}
	m.records[kvmID][addr], m.desired[addr] = name, name
}

func (m *model) name() string {
	return []string{"a.example", "b.example", "c.example"}[m.random.IntN(3)]
}

func defaultName(addr netip.Addr) string {
	return strings.NewReplacer(".", "-", ":", "-").Replace(addr.StringExpanded()) + ".static.edis.at"
}

// noRecord returns a name that stands for no record.
func noRecord(addr netip.Addr) string {
	name, err := dns.ReverseAddr(addr.String())
	if err != nil {
		panic(err)
	}
	return strings.TrimSuffix(name, ".")
}

// now returns the records of the service.
func (m *model) now() map[netip.Addr]string {
	ptrs := m.PTRs()
	for addr, name := range ptrs {
		if name == noRecord(addr) {
			delete(ptrs, addr)
		}
	}
	return ptrs
}

func (m *model) note(format string, args ...any) { m.log = append(m.log, fmt.Sprintf(format, args...)) }

// run makes a plan and applies it, and checks what must hold after any run.
func (m *model) run() error {
	ctx, cancel := context.WithCancel(m.t.Context())
	defer cancel()
	m.start(cancel)
	changes, err := m.planAndApply(ctx)
	synctest.Wait() // for what the service still does
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.look()
	m.note("the run ends with %v", err)
	m.checkError(ctx, changes, err)
	for _, c := range changes {
		m.note("%s %s %s %q -> %q (%v)", c.KVMID, c.Addr, c.State, c.From, c.To, c.Err)
		m.checkChange(c)
	}
	m.checkRecords()
	return err
}

func (m *model) start(cancel context.CancelFunc) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.refused || m.random.IntN(4) == 0 { // another process
		m.account, m.refused = m.client.Account(fleetCredentials), false
	}
	m.cancel, m.changes, m.listRefused, m.writes = cancel, nil, false, 0
	m.initial, m.seen = m.now(), make(map[netip.Addr][]string)
	m.foreign, m.readings = make(map[netip.Addr]bool), make(map[netip.Addr]reading)
	m.note("a run starts with %v", m.initial)
	m.look()
}

func (m *model) planAndApply(ctx context.Context) ([]reconcile.Change, error) {
	servers, err := reconcile.Servers(ctx, m.account)
	if err != nil {
		return nil, err
	}
	plan, err := reconcile.NewPlan(ctx, m.client, servers, m.records, &m.options)
	if err != nil {
		return nil, err
	}
	if !m.peace {
		plan.Drop(func(reconcile.Change) bool { return m.random.IntN(10) == 0 })
	}
	m.mutex.Lock()
	pause := []time.Duration{0, 5 * time.Second, time.Hour}[m.random.IntN(3)]
	m.changes = make(map[netip.Addr]reconcile.Change)
	for _, c := range plan.Changes() {
		m.changes[c.Addr] = c
	}
	m.note("the plan waits for %v", pause)
	m.mutex.Unlock()
	time.Sleep(pause)
	return plan.Apply(ctx)
}

func (m *model) beforeRequest(c call) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.note("%s %v", c, c.addrs)
	if c.op == edistest.Login && m.refused {
		m.t.Error("there is a login after a refused one")
	}
	if c.op == edistest.SetPTR || c.op == edistest.DeletePTR {
		m.checkWrite(c)
	}
	if !m.peace {
		m.disturb(c)
	}
	if c.list {
		c.addrs = m.addrs[c.kvmID]
	}
	for _, addr := range c.addrs {
		if c.op == edistest.GetPTR {
			m.readings[addr] = reading{m.now()[addr], time.Now(), m.changes != nil}
		}
	}
}

func (m *model) afterRequest(c call) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if remove := m.faults[c.String()]; remove != nil {
		remove() // also if the request was not sent
	}
	m.look()
}

// look keeps what the records are now.
func (m *model) look() {
	now := m.now()
	for _, addrs := range m.addrs {
		for _, addr := range addrs {
			m.seen[addr] = append(m.seen[addr], now[addr])
		}
	}
}

// disturb lets something happen before a request.
func (m *model) disturb(c call) {
	switch m.random.IntN(12) {
	case 0, 1:
		m.fail(c)
	case 2:
		if m.random.IntN(3) == 0 {
			m.note("the context ends")
			m.cancel()
		}
	case 3:
		m.note("the sessions end")
		m.ExpireSessions()
	case 4, 5, 6:
		if c.kvmID != "" {
			m.writeAsSomebodyElse(m.addrs[c.kvmID])
		}
	}
}

// fail lets a request fail.
func (m *model) fail(c call) {
	faults := []edistest.Fault{
		{Drop: true}, {Reset: true}, {Status: 500}, {Status: 503}, {Delay: time.Minute}, {Status: 401},
		{Status: 429}, {Status: 429, Header: http.Header{"Retry-After": {"20"}}}, {Status: 400},
	}
	fault := faults[m.random.IntN(len(faults))]
	fault.KVMID = c.kvmID
	if fault.Status == 0 || fault.Status >= 500 {
		fault.Apply = m.random.IntN(4) - 1
	}
	m.refused = m.refused || c.op == edistest.Login && (fault.Status == 400 || fault.Status == 401)
	m.listRefused = m.listRefused || c.list && fault.Status == 400
	m.note("it will fail: %+v", fault)
	m.faults[c.String()] = m.FailAlways(c.op, fault)
}

func (m *model) writeAsSomebodyElse(addrs []netip.Addr) {
	addr, name := addrs[m.random.IntN(len(addrs))], ""
	if m.random.IntN(3) > 0 {
		name = m.name()
	}
	m.note("somebody else writes %s %q", addr, name)
	m.SetPTRs(map[netip.Addr]string{addr: cmp.Or(name, noRecord(addr))})
	m.foreign[addr], m.wanted[addr] = true, name
	m.look()
}
