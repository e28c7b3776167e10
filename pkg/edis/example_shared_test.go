//go:build linux || darwin

package edis_test

import (
	"context"
	"fmt"
	"log"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/edistest"
)

// A sharedSession is a Renewer for one server, whose sessions are in a file that several
// processes share. A renewal by one of them serves all.
type sharedSession struct {
	file    string // of saveSessions
	kvmID   string
	account *edis.Account
}

// Session returns the session in the file.
func (s sharedSession) Session(context.Context) (edis.Session, error) {
	sessions, err := loadSessions(s.file)
	if err != nil {
		return edis.Session{}, err
	}
	i := slices.IndexFunc(sessions, func(session edis.Session) bool { return session.KVMID == s.kvmID })
	if i < 0 {
		return edis.Session{}, fmt.Errorf("%s has no session for %s", s.file, s.kvmID)
	}
	return sessions[i], nil
}

// Renew holds a lock while it reads the file again. If another process has renewed the
// session since, it returns that one. Otherwise it logs in and stores all new sessions.
func (s sharedSession) Renew(ctx context.Context, rejected edis.Session) (edis.Session, error) {
	lock, err := os.OpenFile(s.file+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return edis.Session{}, err
	}
	defer func() { _ = lock.Close() }() // ends the lock
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return edis.Session{}, err
	}
	if stored, err := s.Session(ctx); err == nil && stored.Signature != rejected.Signature {
		return stored, nil
	}
	renewed, err := s.account.Server(s.kvmID).Renew(ctx, rejected)
	if err != nil {
		return edis.Session{}, err
	}
	sessions, err := s.account.Sessions(ctx)
	if err == nil {
		err = saveSessions(s.file, sessions)
	}
	return renewed, err
}

// Two processes share a session that the service no longer accepts. The first process
// renews the session, and the second one finds the new session in the file.
func ExampleRenewer() {
	server := edistest.NewServer()
	defer server.Close()
	directory, err := os.MkdirTemp("", "edis")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(directory) }()
	file := filepath.Join(directory, "sessions.json")

	newProcess := func() (*edis.Client, sharedSession) {
		client, err := edis.NewClient(server.Options())
		if err != nil {
			log.Fatal(err)
		}
		return client, sharedSession{file, server.Session().KVMID, client.Account(server.Credentials())}
	}
	expired := server.Session()
	expired.Signature = "no longer accepted"
	if err := saveSessions(file, []edis.Session{expired}); err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	first, firstSource := newProcess()
	second, secondSource := newProcess()
	before, err := secondSource.Session(ctx) // read before the first process renews it
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(first.SetPTR(ctx, firstSource, map[netip.Addr]string{netip.MustParseAddr("192.0.2.10"): "mail.example.com"}))
	renewed, err := secondSource.Renew(ctx, before)
	fmt.Println(renewed.Signature != before.Signature, err)
	fmt.Println(second.SetPTR(ctx, secondSource, map[netip.Addr]string{netip.MustParseAddr("192.0.2.11"): "www.example.com"}))
	for _, request := range server.Requests() {
		fmt.Println(request.Path, request.Status)
	}
	// Output:
	// <nil>
	// true <nil>
	// <nil>
	// /set/ptr 401
	// /kvm/v2/get/auth 200
	// /set/ptr 200
	// /set/ptr 200
}
