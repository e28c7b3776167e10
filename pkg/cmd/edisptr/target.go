package main

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
)

// service is the client and the user's identity from the environment: a session, the
// login of an account, or both.
type service struct {
	client  *edis.Client
	session edis.Session                  // zero if there is none
	invalid error                         // what is wrong with the session
	account func() (*edis.Account, error) // reads the password when it is first called
	kvmID   string                        // of the server that the user selects; may be empty
}

// service reads the environment.
func (a *app) service(ctx context.Context) (s service, errs inputErrors) {
	var err error
	if s.client, err = a.client(); err != nil {
		errs = append(errs, err)
	}
	s.kvmID = cmp.Or(a.kvmID, a.env("EDIS_KVM_ID"))
	if a.env("EDIS_SIGNATURE") != "" {
		session, sessionErrs := sessionFromEnv(a.env, cmp.Or(a.env("EDIS_KVM_ID"), a.kvmID))
		s.session, s.invalid = session, errors.Join(sessionErrs...)
	}
	s.account = sync.OnceValues(func() (*edis.Account, error) {
		credentials, errs := credentialsFromEnv(ctx, a.env)
		if len(errs) > 0 {
			return nil, errors.Join(errs...)
		}
		return s.client.Account(credentials), nil
	})
	return s, errs
}

// source returns the source of the sessions of a KVM server; an empty id means the one
// that the user selects, or the only one. A session from the environment takes precedence
// over a login, but is for one server only.
func (s service) source(kvmID string) (edis.SessionSource, error) {
	kvmID = cmp.Or(kvmID, s.kvmID)
	if s.session.Signature != "" && (kvmID == "" || kvmID == s.session.KVMID) {
		return s.session, s.invalid
	}
	account, err := s.account()
	switch {
	case err == nil:
		return account.Server(kvmID), nil
	case s.session.Signature != "":
		return nil, &edis.InputError{Field: "KVMID", Value: kvmID, Reason: "the session in EDIS_SIGNATURE is for " + s.session.KVMID + "; set EDIS_EMAIL and EDIS_PASSWORD to log in"}
	}
	return nil, err
}

// target is one KVM server and how to call the service for it.
type target struct {
	client *edis.Client
	source edis.SessionSource
	kvmID  string // empty for the only server of the account
}

// target returns the KVM server that the user selects.
func (a *app) target(ctx context.Context) (target, inputErrors) {
	s, errs := a.service(ctx)
	source, err := s.source("")
	if err != nil {
		errs = append(errs, err)
	}
	return target{s.client, source, s.kvmID}, errs
}

// resolveKVMID returns the KVM ID of the target. If the user does not select it, the ID
// is that of the session, or empty if there is no session.
func (t target) resolveKVMID(ctx context.Context) string {
	if t.kvmID == "" {
		session, _ := t.source.Session(ctx)
		return session.KVMID
	}
	return t.kvmID
}

func sessionFromEnv(env func(string) string, kvmID string) (session edis.Session, errs inputErrors) {
	session = edis.Session{KVMID: kvmID, Signature: env("EDIS_SIGNATURE"), APIHost: env("EDIS_API_HOST")}
	if session.KVMID == "" {
		errs.add("EDIS_KVM_ID", "", "not set, but required with EDIS_SIGNATURE")
	}
	text := env("EDIS_VALID_UNTIL")
	seconds, err := strconv.ParseInt(text, 10, 64)
	switch {
	case text == "":
		errs.add("EDIS_VALID_UNTIL", "", "not set, but required with EDIS_SIGNATURE")
	case err != nil:
		errs.add("EDIS_VALID_UNTIL", text, "want Unix seconds, such as 1737476000")
	}
	session.ValidUntil = time.Unix(seconds, 0)
	return session, errs
}

func credentialsFromEnv(ctx context.Context, env func(string) string) (credentials edis.Credentials, errs inputErrors) {
	credentials = edis.Credentials{Email: env("EDIS_EMAIL"), Password: env("EDIS_PASSWORD")}
	if file := env("EDIS_PASSWORD_FILE"); file != "" && credentials.Password == "" {
		password, err := readPassword(ctx, file)
		if err != nil {
			errs = append(errs, err)
		}
		credentials.Password = password
	}
	missing := "not set, nor is EDIS_SIGNATURE; see 'edisptr help'"
	if env("EDIS_SIGNATURE") != "" {
		missing = "not set; this takes a login, not the session in EDIS_SIGNATURE"
	}
	if credentials.Email == "" {
		errs.add("EDIS_EMAIL", "", missing)
	}
	if credentials.Password == "" && env("EDIS_PASSWORD_FILE") == "" {
		errs.add("EDIS_PASSWORD", "", "not set, nor is EDIS_PASSWORD_FILE")
	}
	return credentials, errs
}
