package edis

import (
	"context"
	"fmt"
	"slices"
)

// An Account is an EDIS account that logs in once for all its KVM servers.
// [Client.Account] returns one. Keep it for as long as the program makes calls.
//
// An Account is safe for concurrent use. There is one login at a time, and all calls that
// wait for it share its sessions. See Sessions in the package documentation for when it
// logs in.
//
// Most callers want [Account.Server]. Used as a [SessionSource], an Account serves its
// only server.
type Account struct{ state *hidden }

// hidden has what an account must not show. For a verb that does not fit, package fmt
// prints what a pointer points to, unexported fields included, but no further. So it takes
// two pointers.
type hidden struct{ *accountState }

// Account returns an [Account] that has not logged in yet. If credentials are invalid,
// its first call that needs a login returns an [InputError].
//
// Stored sessions, if given, are treated as the result of a login. So store all sessions
// of an account or none. If there are several for one server, the newest counts. With
// zero credentials, the account cannot log in and has only the stored sessions.
func (c *Client) Account(credentials Credentials, stored ...Session) *Account {
	state := &accountState{client: c, credentials: credentials}
	if len(stored) > 0 {
		state.held = &snapshot{sessions: newestOfEach(slices.Clone(stored))}
	}
	return &Account{&hidden{state}}
}

// Server returns the session source of one KVM server. If kvmID is empty, that is the
// account's only server. Server does not log in, so it accepts any ID.
func (a *Account) Server(kvmID string) *Server { return &Server{a.state, kvmID} }

// Sessions returns a session for each KVM server of the account, sorted by KVM ID. A
// session that no call can use has no Signature. Sessions logs in if necessary. The
// errors are those of [Client.Login].
func (a *Account) Sessions(ctx context.Context) ([]Session, error) {
	held, failed := a.state.latest(ctx, (*snapshot).freshnessOfAll)
	if failed != nil {
		return nil, failed
	}
	return slices.Clone(held.sessions), nil
}

// Session returns the session of the account's only server, as [Server.Session] does.
func (a *Account) Session(ctx context.Context) (Session, error) { return a.Server("").Session(ctx) }

// Renew replaces the session of the account's only server, as [Server.Renew] does.
func (a *Account) Renew(ctx context.Context, rejected Session) (Session, error) {
	return a.Server("").Renew(ctx, rejected)
}

// A Server is the session source of one KVM server of an [Account], and a [Renewer]. It
// shares the logins of the account.
type Server struct {
	state *hidden // shared with the account
	kvmID string  // empty for the only one
}

// Session returns the session of the server, and logs in if necessary. If the account has
// no such server, the error is an [InputError] that lists its servers. It is also an
// InputError if no server is named and the account does not have exactly one. If the
// login has no usable session for the server, the error matches [ErrContract]. Other
// errors are those of [Client.Login].
func (s *Server) Session(ctx context.Context) (Session, error) { return s.session(ctx, Session{}) }

// Renew returns a session to replace one that the service rejected. It logs in if the
// rejected session is the current one of the account. If the account has replaced it
// since, Renew returns the current one.
//
// A session that the account never had may come from another process that stored it.
// Renew returns the current session in its place if that expires later. Otherwise it logs
// in. If the session belongs to another server, the error is an [InputError].
func (s *Server) Renew(ctx context.Context, rejected Session) (Session, error) {
	if s.kvmID != "" && rejected.KVMID != s.kvmID {
		return Session{}, errOtherServer(rejected, s.kvmID)
	}
	return s.session(ctx, rejected)
}

// session returns a session of the server. A former one, if there is one, was rejected.
func (s *Server) session(ctx context.Context, former Session) (Session, error) {
	held, failed := s.state.latest(ctx, func(held *snapshot) freshness {
		current, err := held.find(s.kvmID)
		switch {
		case err != nil:
			return held.freshnessOfAbsence()
		case s.state.isRejected(current, former):
			return rejected
		}
		return held.freshnessOf(current)
	})
	if failed != nil {
		return Session{}, failed
	}
	session, err := held.find(s.kvmID)
	switch {
	case err != nil:
		return Session{}, notSentError(createAuthSession.op, err)
	case former.KVMID != "" && former.KVMID != session.KVMID:
		return Session{}, errOtherServer(former, session.KVMID)
	}
	return session, nil
}

func errOtherServer(former Session, kvmID string) error {
	reason := fmt.Sprintf("is another server than %q, whose session is to be renewed", kvmID)
	return notSentError(createAuthSession.op, &InputError{"Session.KVMID", former.KVMID, reason})
}
