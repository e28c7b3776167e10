package cli

import (
	"cmp"
	"context"
	"log/slog"
	"strconv"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/reconcile"
)

// An access is how a command reaches the service: a client, and the servers whose records
// the user may change.
type access struct {
	client  *edis.Client
	servers []reconcile.Server
}

// access reads the environment for a command that calls the service for the server kvmID,
// for that of EDIS_KVM_ID, or for all servers of the account. It logs in only for all. bad
// is what is wrong with the arguments, so that one error names everything.
func (t tool) access(ctx context.Context, kvmID string, allowUnderscore bool, bad problems) (access, error) {
	kvmID = cmp.Or(kvmID, t.Env("EDIS_KVM_ID"))
	if t.Env("EDIS_SIGNATURE") != "" && (kvmID == t.Env("EDIS_KVM_ID") || t.Env("EDIS_EMAIL") == "") {
		return t.sessionAccess(kvmID, allowUnderscore, bad)
	}
	return t.accountAccess(ctx, kvmID, allowUnderscore, bad)
}

// sessionAccess uses the session in the environment, which is for one server.
func (t tool) sessionAccess(kvmID string, allowUnderscore bool, bad problems) (access, error) {
	client, err := t.client(allowUnderscore)
	bad.with(err)
	session := t.session(kvmID, &bad)
	return access{client: client, servers: []reconcile.Server{{Session: session}}}, bad.err()
}

// accountAccess uses the login in the environment, for one server or, if kvmID is empty,
// for all.
func (t tool) accountAccess(ctx context.Context, kvmID string, allowUnderscore bool, bad problems) (access, error) {
	client, err := t.client(allowUnderscore)
	bad.with(err)
	account, err := t.account(ctx, client, t.promptForPassword, bad)
	if err != nil {
		return access{}, err
	}
	if kvmID != "" {
		return access{client, []reconcile.Server{{Session: edis.Session{KVMID: kvmID}, Source: account.Server(kvmID)}}}, nil
	}
	servers, err := reconcile.Servers(ctx, account)
	return access{client, servers}, err
}

// ownAccount returns the account of the user, for a command that takes no session.
func (t tool) ownAccount(ctx context.Context, prompt passwordPrompt) (*edis.Account, error) {
	client, err := t.client(false)
	if err != nil {
		return nil, err
	}
	return t.account(ctx, client, prompt, nil)
}

// account returns the account of the user. bad is what is wrong with anything else.
func (t tool) account(ctx context.Context, client *edis.Client, prompt passwordPrompt, bad problems) (*edis.Account, error) {
	credentials, err := t.credentials(ctx, prompt)
	if !bad.with(err) {
		return nil, err
	}
	if len(bad) > 0 {
		return nil, bad
	}
	return client.Account(credentials), nil
}

// client returns a client configured by the environment and the flags.
func (t tool) client(allowUnderscore bool) (*edis.Client, error) {
	return newClient(t.options(allowUnderscore))
}

// newClient returns a client. Its errors are about the environment and the flags.
func newClient(options *edis.Options) (*edis.Client, error) {
	var bad problems
	client, err := edis.NewClient(options)
	bad.with(err)
	return client, bad.err()
}

func (t tool) options(allowUnderscore bool) *edis.Options {
	options := &edis.Options{
		RDNSURL:         t.Env("EDIS_RDNS_URL"),
		AuthURL:         t.Env("EDIS_AUTH_URL"),
		Timeout:         t.flags.timeout,
		AllowUnderscore: allowUnderscore,
	}
	if t.flags.verbose {
		options.Logger = slog.New(slog.NewTextHandler(t.Err, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	return options
}

// session returns the session in the environment. It is for one server, and cannot be used
// for another one.
func (t tool) session(kvmID string, bad *problems) edis.Session {
	own := t.Env("EDIS_KVM_ID")
	switch {
	case own == "":
		bad.add("EDIS_KVM_ID", "", "is not set; it is required with EDIS_SIGNATURE")
	case kvmID != own:
		bad.add("KVM ID", kvmID, "is not the server of the session in EDIS_SIGNATURE; set EDIS_EMAIL and EDIS_PASSWORD to log in")
	}
	text := t.Env("EDIS_VALID_UNTIL")
	seconds, err := strconv.ParseInt(text, 10, 64)
	switch {
	case text == "":
		bad.add("EDIS_VALID_UNTIL", "", "is not set; it is required with EDIS_SIGNATURE")
	case err != nil:
		bad.add("EDIS_VALID_UNTIL", text, "is not a time; use Unix seconds, such as 1737476000")
	}
	return edis.Session{KVMID: own, Signature: edis.Secret(t.Env("EDIS_SIGNATURE")), APIHost: t.Env("EDIS_API_HOST"), ValidUntil: time.Unix(seconds, 0)}
}

// credentials returns the login in the environment. It asks for the password only if
// everything else is there.
func (t tool) credentials(ctx context.Context, prompt passwordPrompt) (edis.Credentials, error) {
	var bad problems
	email, password, file := t.Env("EDIS_EMAIL"), t.Env("EDIS_PASSWORD"), t.Env("EDIS_PASSWORD_FILE")
	if email == "" {
		bad.add("EDIS_EMAIL", "", "is not set; set it and EDIS_PASSWORD to log in, see 'edisptr help'")
	}
	var err error
	switch {
	case password != "":
	case file != "":
		password, err = t.readPasswordFile(ctx, file)
	case email != "":
		password, err = prompt(ctx, email)
	default:
		bad.add("EDIS_PASSWORD", "", "is not set, nor is EDIS_PASSWORD_FILE")
	}
	if !bad.with(err) {
		return edis.Credentials{}, err
	}
	return edis.Credentials{Email: email, Password: edis.Secret(password)}, bad.err()
}
