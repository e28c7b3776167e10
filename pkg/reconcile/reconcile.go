// Package reconcile brings the PTR records of the KVM servers of an EDIS account to a
// desired state. It compares the records, shows what would change, and makes the changes.
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
// plan, which changes only what still differs. To reconcile several accounts together,
// join what [Servers] returns for each.
//
// A program that keeps records as desired does all of the above again and again, with one
// account. It ends, or asks a person, if an error matches [edis.ErrLoginRefused], or if
// the error of Servers or NewPlan matches [edis.ErrInvalidInput]. After any other failure
// it waits for the RetryAfter of the [edis.CallError] and makes a new plan.
//
// # Which server has an address
//
// Records may name the KVM server of an address or leave that open. If there is only one
// server, all addresses are its own. Otherwise NewPlan looks at the primary addresses of
// the servers. Then it lists the records of the servers until all addresses are found. An
// IPv6 address that is still not found belongs to the server that has other addresses in
// the same /64. The API document does not mention listing. If the service refuses to
// list, name the servers.
//
// # What somebody else changes
//
// The API cannot write a record on the condition that it has not changed. So Apply reads
// a record again before it writes, if it was read longer ago than Options.MaxAge. It
// always does so before it deletes a record that the Records do not name. A record that
// has changed since the plan is not touched. If somebody else changes a record between
// that reading and the write, the change is overwritten. The window for that is about one
// request.
//
// # Overwriting
//
// With Options.Overwrite, Apply sets all host names, whatever the records are. These
// changes have no From, and Apply does not notice what somebody else changes. Records
// that are to have no host name are read all the same.
//
// # Pruning
//
// With Options.Prune, a plan deletes records whose address the Records do not name for
// any server. Prune is asked about each of them, on all servers. It is not asked about
// default names of the provider. Calls of Prune never overlap.
//
// # Progress
//
// NewPlan calls Options.Progress with the number of addresses that it has compared. Apply
// starts again at zero and counts those that it has handled. [List] counts servers. The
// addresses of a server that failed may be missing. Calls of Progress never overlap.
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
	// the server of an address, and its other fields are used only if there is no Source.
	Session edis.Session
	// Source provides the session of this server for each call. The default is Session.
	Source edis.SessionSource
}

// Servers returns the servers of an account, with the account as the source of their
// sessions. It logs in if necessary. The errors are those of [edis.Account.Sessions]. A
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

// Records are the desired host names, by KVM ID and address. An empty KVM ID means that
// the server is to be found from the address. An empty host name means that the address
// is to have no record. Names and addresses need not be in canonical form. NewPlan copies
// them.
type Records map[string]map[netip.Addr]string

// Options configure a plan. Nil and zero fields mean the defaults.
type Options struct {
	// Batch is the maximum number of addresses in one request. The default is 100.
	Batch int
	// Parallel is the maximum number of servers that have requests in progress at the
	// same time. The default is 8.
	Parallel int
	// Prune reports whether to delete a record whose address the Records do not name. See
	// Pruning in the package documentation. By default nothing is deleted.
	Prune func(kvmID string, addr netip.Addr) bool
	// Overwrite sets all host names, whatever the records are now. See Overwriting in the
	// package documentation. By default only what differs is set.
	Overwrite bool
	// MaxAge is how old a reading may be when Apply changes the record. Apply reads older
	// ones again, and all of them if MaxAge is negative, which is right for a plan that
	// waits for a person. The default is 10 seconds.
	MaxAge time.Duration
	// Progress is called with the number of addresses that are done. See Progress in the
	// package documentation. The default is no calls.
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
	// as none. See edis.IsDefaultName.
	StateDefault State = "default"
	// StateSet means that the record was set.
	StateSet State = "set"
	// StateDeleted means that the record was deleted.
	StateDeleted State = "deleted"
	// StateRefused means that the service refused the change, and nothing changed.
	StateRefused State = "refused"
	// StateSkipped means that the change was not sent. Its server was not found, an
	// earlier call for the server failed, a login was refused, or the context ended.
	StateSkipped State = "skipped"
	// StateUnknown means that the record may have changed, and reading it back did not
	// settle that.
	StateUnknown State = "unknown"
	// StateChanged means that somebody else changed the record since the plan, so it was
	// not touched.
	StateChanged State = "changed"
)

// ErrChanged is matched by the error of [Plan.Apply] if a record was not touched because
// somebody else changed it since the plan.
var ErrChanged = errors.New("the record has changed since the plan")

// A Change is the record of one address. It says what the record is, what it is to be,
// and what has become of it.
type Change struct {
	// KVMID identifies the server. It is empty if no server was found for the address.
	// Then another server could not be listed, or the address is to have no record and no
	// server lists one.
	KVMID string
	// Addr is the address in the canonical form of edis.CanonicalAddr. It is the zero
	// Addr if nothing of the server was pruned because its records could not be listed.
	Addr netip.Addr
	// From is the host name that the service has, and To is the desired one, both in
	// canonical form. They are empty for no record. From is also empty if the record was
	// not read.
	From, To string
	// Pruned means that the Records do not name the address.
	Pruned bool
	// State says what has become of the record.
	State State
	// Err is the reason for StateRefused, StateSkipped, StateUnknown and StateChanged.
	Err error
}
