package edis_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/edistest"
)

// A storedSession is a Session with its signature in the clear, which hides the field of
// the embedded Session that would be redacted.
type storedSession struct {
	edis.Session
	Signature string
}

// saveSessions writes the sessions to a file that only the user can read. It replaces the
// file as a whole, so that no reader ever sees a part of it.
func saveSessions(name string, sessions []edis.Session) error {
	stored := make([]storedSession, len(sessions))
	for i, session := range sessions {
		stored[i] = storedSession{session, string(session.Signature)}
	}
	text, err := json.Marshal(stored)
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*") // with mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }() // fails after the rename
	_, err = file.Write(text)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return os.Rename(file.Name(), name)
}

// loadSessions returns the sessions in a file that saveSessions wrote.
func loadSessions(name string) ([]edis.Session, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var stored []storedSession
	if err := json.Unmarshal(text, &stored); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	sessions := make([]edis.Session, len(stored))
	for i, s := range stored {
		sessions[i] = s.Session
		sessions[i].Signature = edis.Secret(s.Signature)
	}
	return sessions, nil
}

// A program that runs often keeps its sessions, so that it need not log in each time. It
// stores all sessions of the account.
func ExampleClient_Account_storedSessions() {
	server := edistest.NewServer()
	defer server.Close()
	directory, err := os.MkdirTemp("", "edis")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(directory) }()
	file := filepath.Join(directory, "sessions.json")

	run := func(address, name string) {
		client, err := edis.NewClient(server.Options())
		if err != nil {
			log.Fatal(err)
		}
		stored, err := loadSessions(file)
		if err != nil {
			fmt.Println("no sessions yet")
		}
		ctx := context.Background()
		account := client.Account(server.Credentials(), stored...)
		if err := client.SetPTR(ctx, account, map[netip.Addr]string{netip.MustParseAddr(address): name}); err != nil {
			log.Fatal(err)
		}
		current, err := account.Sessions(ctx) // with those of a login, if there was one
		if err == nil {
			err = saveSessions(file, current)
		}
		if err != nil {
			log.Fatal(err)
		}
	}
	run("192.0.2.10", "mail.example.com")
	run("192.0.2.11", "www.example.com")

	for _, request := range server.Requests() {
		fmt.Println(request.Path)
	}
	// Output:
	// no sessions yet
	// /kvm/v2/get/auth
	// /set/ptr
	// /set/ptr
}
