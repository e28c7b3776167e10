// Package reconcile brings the PTR records of the KVM servers of an EDIS account to a
// desired state: it compares, shows what would change, and applies it.
//
//	servers, err := reconcile.Servers(ctx, account)
//	...
//	plan, err := reconcile.NewPlan(ctx, client, servers, reconcile.Records{
//		"": {netip.MustParseAddr("192.0.2.10"): "mail.example.com"},
//	}, nil)
//	...
//	changes, err := plan.Apply(ctx)
//
// A plan that is not applied is a dry run. To resume after an interruption, make a new
// plan: it changes only what still differs. A program that keeps records as desired does
// all of the above again and again, with one account. It ends, or asks a person, if an
// error matches [edis.ErrLoginRefused], or that of Servers or NewPlan matches
// [edis.ErrInvalidInput]. After any other failure it makes a new plan, not before the
// RetryAfter of the [edis.CallError].
//
// The servers of several accounts may be reconciled together: join what [Servers] returns
// for each.
//
// # Which server has an address
//
// Records may name the KVM server of an address or leave that open. If there is only one
// server, all addresses are its own. Otherwise NewPlan looks at the primary addresses of
// the servers, then lists the records of one server after the other until all addresses
// are found. An IPv6 address that is still not found belongs to the server that has other
// addresses in the same /64. The API document does not mention listing: if the service
// refuses to list, name the servers.
//
// # What somebody else changes
//
// The API cannot write a record on the condition that it has not changed. So Apply reads a
// record again before it writes, if it was read longer ago than Options.MaxAge, and always
// before it deletes one that the records do not name. A record that has changed since the
// plan is not touched. Between that reading and the write there is a window of about one
// request in which a change by somebody else is overwritten.
package reconcile

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
)

// A Server is a KVM server whose records are reconciled.
type Server struct {
	// Session identifies the server by its KVMID. Required. Its PrimaryIP helps to find
	// the server of an address. Nothing else of it is used if there is a Source.
	Session edis.Session
	// Source provides the session of this server for each call. Default: Session itself.
	Source edis.SessionSource
}

// Servers returns the servers of an account, with the account as the source of their
// sessions. It logs in if necessary; the errors are those of [edis.Account.Sessions]. A
// server without a usable session is included, but all its changes fail.
func Servers(ctx context.Context, account *edis.Account) ([]Server, error) {
	sessions, err := account.Sessions(ctx)
	if err != nil {
		return nil, err
	}
	servers := make([]Server, len(sessions))
	for i, session := range sessions {
		servers[i] = Server{session, account.Server(session.KVMID)}
	}
	return servers, nil
}

// Records are desired records: host names by address, by KVM ID. The empty KVM ID means
// that the server is to be found from the address. An empty host name means that the
// address is to have no record. Names and addresses need not be in canonical form. NewPlan
// copies them.
type Records map[string]map[netip.Addr]string

// Options configure a plan. Nil and zero fields mean the defaults.
type Options struct {
	// Batch is the maximum number of addresses in one request. Default: 100.
	Batch int
	// Parallel is the maximum number of servers for which there are requests at the same
	// time. Default: 8.
	Parallel int
	// Prune reports whether a record of the service whose address the Records do not name
	// is to be deleted. It is asked about the records of all servers, except default names
	// of the provider. An address that the Records name for any server is never pruned.
	// Calls never overlap. Default: nothing is pruned.
	Prune func(kvmID string, addr netip.Addr) bool
	// Overwrite plans to set all host names, whatever the records are now. Their changes
	// have no From, and nobody else's change is noticed. Records without a host name are
	// read all the same. Default: set only what differs.
	Overwrite bool
	// MaxAge is how old a reading may be when Apply changes the record. Older ones are read
	// again, and all of them if it is negative: use that if the plan waits for a person.
	// Default: 10 seconds.
	MaxAge time.Duration
	// Progress is called with the number of addresses that are done: compared by NewPlan,
	// and counted anew, changed by Apply. Those of a server that failed may be missing.
	// Calls never overlap. Default: none.
	Progress func(done int)
}

func (o *Options) withDefaults() Options {
	var options Options
	if o != nil {
		options = *o
	}
	options.Batch = cmp.Or(max(options.Batch, 0), 100)
	options.Parallel = cmp.Or(max(options.Parallel, 0), 8)
	options.MaxAge = cmp.Or(options.MaxAge, 10*time.Second)
	return options
}

// A State says what has become of the record of an address.
type State string

const (
	// StatePlanned means that Apply will change the record.
	StatePlanned State = "planned"
	// StateKept means that the record is as desired.
	StateKept State = "kept"
	// StateAbsent means that there is no record, as desired.
	StateAbsent State = "absent"
	// StateDefault means that the record is a default name of the provider, which counts
	// as none; see edis.IsDefaultName.
	StateDefault State = "default"
	// StateSet means that the record was set.
	StateSet State = "set"
	// StateDeleted means that the record was deleted.
	StateDeleted State = "deleted"
	// StateRefused means that the service refused the change, and nothing changed.
	StateRefused State = "refused"
	// StateSkipped means that the change was not sent: its server was not found, an
	// earlier call for the server failed, a login was refused, or the context ended.
	StateSkipped State = "skipped"
	// StateUnknown means that the record may have changed, and reading it back did not
	// tell.
	StateUnknown State = "unknown"
	// StateChanged means that somebody else changed the record since the plan, so it was
	// not touched.
	StateChanged State = "changed"
)

// ErrChanged is matched by the error of [Plan.Apply] if a record was not touched because
// somebody else changed it since the plan.
var ErrChanged = errors.New("the record has changed since the plan")

// A Change is the record of one address: what it is, what it is to be, and what has become
// of it.
type Change struct {
	// KVMID identifies the server. It is empty if none was found: another server could not
	// be listed, or none has a record for an address that is to have none.
	KVMID string
	// Addr is the address in canonical form; see edis.CanonicalAddr. It is the zero Addr
	// if nothing of the server was pruned because its records could not be listed.
	Addr netip.Addr
	// From is the host name that the service has, To the desired one, in canonical form.
	// They are empty for no record. From is also empty if the record was not read.
	From, To string
	// Pruned means that the Records do not name the address.
	Pruned bool
	// State says what has become of the record.
	State State
	// Err is why, for StateRefused, StateSkipped, StateUnknown and StateChanged.
	Err error
}
