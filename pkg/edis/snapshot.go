package edis

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/edisptr/edis-go/pkg/internal/redact"
)

// A snapshot is what an account has at one time: the sessions of a login, or stored ones.
// It is never changed, only replaced.
type snapshot struct {
	sessions []Session // the newest of each server, sorted by KVM ID
	at       time.Time // of the login, zero for stored sessions
}

// newestOfEach returns the session of each server that is valid for the longest time,
// sorted by KVM ID. Usable ones come before others. The slice is the caller's.
func newestOfEach(sessions []Session) []Session {
	slices.SortFunc(sessions, func(a, b Session) int {
		if order := strings.Compare(a.KVMID, b.KVMID); order != 0 || a.isUsable() == b.isUsable() {
			return cmp.Or(order, b.ValidUntil.Compare(a.ValidUntil))
		}
		if a.isUsable() {
			return -1
		}
		return 1
	})
	return slices.CompactFunc(sessions, func(a, b Session) bool { return a.KVMID == b.KVMID })
}

// find returns the session of a server, or of the only one if kvmID is empty.
func (s *snapshot) find(kvmID string) (Session, error) {
	if kvmID == "" {
		if len(s.sessions) != 1 {
			return Session{}, s.errNoServer("")
		}
		kvmID = s.sessions[0].KVMID
	}
	i, found := slices.BinarySearchFunc(s.sessions, kvmID, func(session Session, kvmID string) int { return strings.Compare(session.KVMID, kvmID) })
	switch {
	case !found:
		return Session{}, s.errNoServer(kvmID)
	case !s.sessions[i].isUsable():
		return Session{}, errUnusable(kvmID)
	}
	return s.sessions[i], nil
}

// errUnusable returns the reason why there is no session for a server that the account has.
func errUnusable(kvmID string) error {
	return &ContractError{Op: createAuthSession.op, Status: http.StatusOK, Reason: "no usable session for " + kvmID}
}

// errNoServer lists the servers of the account.
func (s *snapshot) errNoServer(kvmID string) error {
	const most = 10
	var servers []string
	for _, session := range s.sessions[:min(len(s.sessions), most)] {
		servers = append(servers, strings.TrimSuffix(session.KVMID+" ("+redact.Clip(session.Description, 60)+")", " ()"))
	}
	list := cmp.Or(strings.Join(servers, ", "), "(none)")
	if more := len(s.sessions) - len(servers); more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	reason := "is not a server of the account; it has " + list
	if kvmID == "" {
		reason = "is missing, and the account does not have exactly one server; it has " + list
	}
	return &InputError{"KVM ID", kvmID, reason}
}

// A freshness says whether something at hand can be used.
type freshness int

const (
	missing  freshness = iota // only a login helps
	rejected                  // the same, since the service rejected it
	due                       // it works, but it is time for a login
	fresh
)

const (
	// renewBefore is how long before its expiry a session is renewed, so that it does not
	// expire during a call.
	renewBefore = time.Minute
	// trustAbsence is how long after a login an account believes that it has no usable
	// session for a server: the server may be new, or work again.
	trustAbsence = 10 * time.Minute
)

// freshnessOfAbsence returns how fresh it is that something is not there.
func (s *snapshot) freshnessOfAbsence() freshness {
	if time.Since(s.at) < trustAbsence {
		return fresh
	}
	return missing
}

// freshnessOf returns how fresh a session is. One that looked expired from the
// start is fresh until the service rejects it: the clock of this machine is wrong. One
// with a lifetime of less than two minutes is due after half of it.
func (s *snapshot) freshnessOf(session Session) freshness {
	left, early := time.Until(session.ValidUntil), renewBefore
	if !s.at.IsZero() {
		lifetime := session.ValidUntil.Sub(s.at)
		if lifetime <= 0 {
			return fresh
		}
		early = min(early, lifetime/2)
	}
	switch {
	case left <= 0:
		return missing
	case left <= early:
		return due
	}
	return fresh
}

// freshnessOfAll returns how fresh the least fresh of all usable sessions is.
func (s *snapshot) freshnessOfAll() freshness {
	least, usable := fresh, false
	for _, session := range s.sessions {
		if session.isUsable() {
			least, usable = min(least, s.freshnessOf(session)), true
		}
	}
	if !usable {
		return s.freshnessOfAbsence()
	}
	return least
}
