package reconcile

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/edisptr/edis-go/pkg/edis"
)

// A Plan contains the changes that lead from the current records to the desired ones. It
// is not safe for concurrent use.
type Plan struct {
	client   *edis.Client
	options  Options
	servers  []*server              // sorted by KVM ID
	named    map[netip.Addr]*change // that the Records name
	unplaced []*change              // whose server was not found
	reports  progressReports
	applied  bool
}

// A server is one of the plan.
type server struct {
	kvmID   string
	primary netip.Addr
	source  edis.SessionSource
	changes []*change
	err     error // why it was given up

	list    map[netip.Addr]string // all its records, nil if they were not listed
	listed  time.Time             // when
	listErr error                 // why it could not be listed
}

// stateUndecided is that of changes whose records were not read.
const stateUndecided State = ""

// A change is a Change with what only the plan knows.
type change struct {
	Change
	read time.Time // when From was, zero if never
}

// NewPlan compares the records with those of the service. The servers are all those that
// the records may belong to.
//
// NewPlan fails if the input is invalid, the service refuses a login, or ctx is done.
// Then the error is an [*edis.CallError] with the Op "plan", and nothing changed. Any
// other failure concerns one server and is in its Changes.
//
// For invalid input the error matches [edis.ErrInvalidInput] and unwraps to an
// [*edis.InputError] for each problem. Problems are invalid names and addresses, and KVM
// IDs that are not among the servers. So are addresses that are named twice, belong to
// another server than named, or belong to no server or several.
func NewPlan(ctx context.Context, client *edis.Client, servers []Server, records Records, options *Options) (*Plan, error) {
	p := newPlan(client, servers, options)
	unplaced, bad := p.read(records)
	if len(bad) > 0 {
		return nil, &edis.CallError{Op: "plan", Outcome: edis.OutcomeNotSent, Err: bad}
	}
	bad = p.place(ctx, unplaced)
	if p.options.Prune != nil {
		p.forEach(ctx, p.servers, p.list)
	}
	if err := p.fatal(ctx, "plan"); err != nil {
		return nil, err
	}
	if bad = append(bad, p.misplaced()...); len(bad) > 0 {
		return nil, &edis.CallError{Op: "plan", Outcome: edis.OutcomeUnchanged, Err: bad}
	}
	p.forEach(ctx, p.servers, p.compare)
	if err := p.fatal(ctx, "plan"); err != nil {
		return nil, err
	}
	for _, s := range p.servers {
		s.skip(stateUndecided)
	}
	p.prune()
	p.sort()
	return p, nil
}

func newPlan(client *edis.Client, servers []Server, options *Options) *Plan {
	p := &Plan{client: client, options: options.withDefaults(), named: make(map[netip.Addr]*change)}
	p.reports.report = p.options.Progress
	for _, given := range servers {
		p.servers = append(p.servers, newServer(given))
	}
	return p
}

func newServer(given Server) *server {
	s := &server{kvmID: given.Session.KVMID, primary: given.Session.PrimaryIP.Unmap(), source: given.Source}
	if s.source == nil {
		s.source = given.Session
	}
	return s
}

// fatal returns the error that ends reading for all servers, if there is one.
func (p *Plan) fatal(ctx context.Context, op string) error {
	if err := ctx.Err(); err != nil {
		return &edis.CallError{Op: op, Outcome: edis.OutcomeUnchanged, Err: err}
	}
	for _, s := range p.servers {
		if errors.Is(s.err, edis.ErrLoginRefused) {
			return &edis.CallError{Op: op, Outcome: edis.OutcomeUnchanged, Err: s.err}
		}
	}
	return nil
}

// Err returns an error for the changes that cannot be applied because their server failed
// or was not found. It returns nil if there are none. The error is an [*edis.CallError]
// with the Op "plan".
func (p *Plan) Err() error { return p.failure(context.Background(), "plan") }

// Changes returns the records of all named addresses, and those to prune, sorted by KVM ID
// and address. It includes records that stay as they are.
func (p *Plan) Changes() []Change {
	var changes []Change
	for _, c := range p.all() {
		changes = append(changes, c.Change)
	}
	return changes
}

func (p *Plan) all() []*change {
	all := slices.Clone(p.unplaced)
	for _, s := range p.servers {
		all = append(all, s.changes...)
	}
	return all
}

// Drop removes the planned changes for which decline returns true. Changes and Apply no
// longer return them.
func (p *Plan) Drop(decline func(Change) bool) {
	for _, s := range p.servers {
		s.changes = slices.DeleteFunc(s.changes, func(c *change) bool { return c.State == StatePlanned && decline(c.Change) })
	}
}

func (p *Plan) sort() {
	byAddress := func(a, b *change) int { return a.Addr.Compare(b.Addr) }
	slices.SortFunc(p.unplaced, byAddress)
	for _, s := range p.servers {
		slices.SortFunc(s.changes, byAddress)
	}
}

// forEach does work for each server, for some of them at once. It gives up a server whose
// work fails, and all that are left if ctx ends or the service refuses a login. A refused
// login does not interrupt the work of other servers: a write would have an unknown
// outcome.
func (p *Plan) forEach(ctx context.Context, servers []*server, work func(context.Context, *server) error) {
	group, stopped := errgroup.WithContext(ctx)
	group.SetLimit(p.options.Parallel)
	for _, s := range servers {
		group.Go(func() error {
			switch {
			case ctx.Err() != nil:
				s.err = ctx.Err()
			case stopped.Err() != nil:
				s.err = context.Cause(stopped)
			default:
				s.err = work(ctx, s)
			}
			if errors.Is(s.err, edis.ErrLoginRefused) {
				return s.err
			}
			return nil
		})
	}
	_ = group.Wait() // each server has its error
}

// find returns the server with a KVM ID, or nil.
func (p *Plan) find(kvmID string) *server {
	i, found := slices.BinarySearchFunc(p.servers, kvmID, func(s *server, kvmID string) int { return strings.Compare(s.kvmID, kvmID) })
	if !found {
		return nil
	}
	return p.servers[i]
}

// progressReports makes the calls of Options.Progress for one phase.
type progressReports struct {
	mutex  sync.Mutex
	done   int
	report func(int)
}

func (r *progressReports) add(addresses int) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.done += addresses
	if r.report != nil && addresses > 0 {
		r.report(r.done)
	}
}
