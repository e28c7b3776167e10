package main

import (
	"context"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
)

// target is the client, the session source and the KVM ID from the environment.
type target struct {
	client *edis.Client
	source edis.SessionSource
	kvmID  string // empty for the only server of the account
}

// target reads the environment. A session takes precedence over a login.
func (a *app) target() (t target, errs inputErrors) {
	var err error
	if t.client, err = a.client(); err != nil {
		errs = append(errs, err)
	}
	t.kvmID = a.env("EDIS_KVM_ID")
	if a.env("EDIS_SIGNATURE") != "" {
		session, sessionErrs := sessionFromEnv(a.env)
		t.source = session
		return t, append(errs, sessionErrs...)
	}
	credentials, credentialErrs := credentialsFromEnv(a.env)
	if errs = append(errs, credentialErrs...); len(errs) == 0 {
		t.source = t.client.Account(credentials)
	}
	return t, errs
}

// resolveKVMID returns the KVM ID of the target. If the environment does not set
// it, the ID is that of the session, or empty if there is no session.
func (t target) resolveKVMID(ctx context.Context) string {
	if t.kvmID == "" {
		session, _ := t.source.Session(ctx)
		return session.KVMID
	}
	return t.kvmID
}

func sessionFromEnv(env func(string) string) (session edis.Session, errs inputErrors) {
	session = edis.Session{KVMID: env("EDIS_KVM_ID"), Signature: env("EDIS_SIGNATURE"), APIHost: env("EDIS_API_HOST")}
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

func credentialsFromEnv(env func(string) string) (credentials edis.Credentials, errs inputErrors) {
	credentials = edis.Credentials{Email: env("EDIS_EMAIL"), Password: env("EDIS_PASSWORD"), KVMID: env("EDIS_KVM_ID")}
	if file := env("EDIS_PASSWORD_FILE"); file != "" && credentials.Password == "" {
		content, err := os.ReadFile(file) //nolint:gosec // the user names the file
		if err != nil {
			errs.add("EDIS_PASSWORD_FILE", file, err.Error())
		}
		credentials.Password = strings.TrimRight(string(content), "\r\n")
	}
	if credentials.Email == "" {
		errs.add("EDIS_EMAIL", "", "not set, nor is EDIS_SIGNATURE; see 'edisptr help'")
	}
	if credentials.Password == "" && len(errs) == 0 {
		errs.add("EDIS_PASSWORD", "", "not set, nor is EDIS_PASSWORD_FILE")
	}
	return credentials, errs
}
