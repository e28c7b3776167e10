package main

import (
	"context"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
)

// target is the service and the session that the environment names.
type target struct {
	client *edis.Client
	source edis.SessionSource
	kvmID  string // empty: the only one of the account
}

// target reads the environment. A ready session goes before a login.
func (a *app) target() (t target, bad problems) {
	var err error
	if t.client, err = a.client(); err != nil {
		bad = append(bad, err)
	}
	t.kvmID = a.env("EDIS_KVM_ID")
	if a.env("EDIS_SIGNATURE") != "" {
		session, missing := environmentSession(a.env)
		t.source = session
		return t, append(bad, missing...)
	}
	credentials, missing := environmentCredentials(a.env)
	if bad = append(bad, missing...); len(bad) == 0 {
		t.source = t.client.LoginSource(credentials)
	}
	return t, bad
}

// kvm returns the KVM id to print, asking the source where the environment does
// not name it.
func (t target) kvm(ctx context.Context) string {
	if t.kvmID == "" {
		session, _ := t.source.Session(ctx) // without a session the id stays empty
		return session.KVMID
	}
	return t.kvmID
}

// environmentSession reads a ready session.
func environmentSession(env func(string) string) (session edis.Session, bad problems) {
	session = edis.Session{KVMID: env("EDIS_KVM_ID"), Signature: env("EDIS_SIGNATURE"), APIHost: env("EDIS_API_HOST")}
	if session.KVMID == "" {
		bad.add("EDIS_KVM_ID", "", "not set; it goes with EDIS_SIGNATURE")
	}
	text := env("EDIS_VALID_UNTIL")
	seconds, err := strconv.ParseInt(text, 10, 64)
	switch {
	case text == "":
		bad.add("EDIS_VALID_UNTIL", "", "not set; it goes with EDIS_SIGNATURE")
	case err != nil:
		bad.add("EDIS_VALID_UNTIL", text, "not a time in Unix seconds, such as 1737476000")
	}
	session.ValidUntil = time.Unix(seconds, 0)
	return session, bad
}

// environmentCredentials reads what logs in.
func environmentCredentials(env func(string) string) (credentials edis.Credentials, bad problems) {
	credentials = edis.Credentials{Email: env("EDIS_EMAIL"), Password: env("EDIS_PASSWORD"), KVMID: env("EDIS_KVM_ID")}
	if file := env("EDIS_PASSWORD_FILE"); file != "" && credentials.Password == "" {
		content, err := os.ReadFile(file) //nolint:gosec // the user names the file
		if err != nil {
			bad.add("EDIS_PASSWORD_FILE", file, err.Error())
		}
		credentials.Password = strings.TrimRight(string(content), "\r\n")
	}
	if credentials.Email == "" {
		bad.add("EDIS_EMAIL", "", "not set, and EDIS_SIGNATURE neither; see edisptr help")
	}
	if credentials.Password == "" && len(bad) == 0 {
		bad.add("EDIS_PASSWORD", "", "not set, and EDIS_PASSWORD_FILE neither")
	}
	return credentials, bad
}
