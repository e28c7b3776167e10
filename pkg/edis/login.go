package edis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/edisptr/edis-go/gen"
	"github.com/edisptr/edis-go/pkg/internal/redact"
)

// Credentials are the login details of an EDIS account. Printing, logging and marshaling
// them does not show the e-mail address and the password, except in an unexported field
// of a struct, where package fmt cannot call their methods.
type Credentials struct {
	// Email and Password are those of the account. Required.
	Email, Password string
	// KVMID selects one KVM server: Client.Login returns only its session, as does
	// Account.Session. Optional if the account has one server.
	KVMID string
}

func (c Credentials) redacted() string {
	return fmt.Sprintf("{Email:%[1]s Password:%[1]s KVMID:%s}", redact.Mark, c.KVMID)
}

// Format prints c without its secrets, whatever the verb.
func (c Credentials) Format(state fmt.State, _ rune) { _, _ = fmt.Fprint(state, c.redacted()) }

// MarshalText returns c without its secrets; JSON and XML use it.
func (c Credentials) MarshalText() ([]byte, error) { return []byte(c.redacted()), nil }

// LogValue returns c without its secrets.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.redacted()) }

func (c Credentials) check() (bad inputErrors) {
	bad.add("Credentials.Email", "", redact.CheckSecret(c.Email))
	bad.add("Credentials.Password", "", redact.CheckSecret(c.Password))
	bad.add("Credentials.KVMID", c.KVMID, checkPrintable(c.KVMID))
	return bad
}

// Login logs in and returns a session for each KVM server of the account, or only for
// that of credentials.KVMID if it is set, sorted by KVM ID (operation createAuthSession,
// POST /kvm/v2/get/auth). It leaves out sessions that are not usable; if none is, the
// error matches [ErrContract]. A login that was sent is never repeated, because failed
// logins can lock an account.
//
// If the service refuses the credentials, the error is an [*APIError], which usually
// matches [ErrUnauthorized]. Other errors are those of [Client.GetPTR]. To make calls for
// longer than one session lasts, or for several servers, see [Client.Account].
func (c *Client) Login(ctx context.Context, credentials Credentials) ([]Session, error) {
	sessions, err := c.logIn(ctx, credentials)
	return slices.DeleteFunc(sessions, Session.isUnusable), err
}

// logIn is like Login, but also returns the sessions that are not usable.
func (c *Client) logIn(ctx context.Context, credentials Credentials) (sessions []Session, err error) {
	if err := checkCall(ctx, credentials.check()); err != nil {
		return nil, err
	}
	form := gen.LoginForm{Email: credentials.Email, KVMID: credentials.KVMID, Pw: credentials.Password}
	as := caller{credentials.KVMID, redact.Secrets{credentials.Password, credentials.Email}}
	err = createAuthSession.call(ctx, c, form, 0, as, func(response gen.LoginSuccess) (err error) {
		sessions, err = sessionsOf(response, as.hide)
		return err
	})
	return sessions, err
}

// sessionsOf returns the sessions in a response. One that is not usable has no signature;
// if none is usable, sessionsOf returns an error, which quotes nothing of the response:
// that holds secrets.
func sessionsOf(response gen.LoginSuccess, hide redact.Secrets) (sessions []Session, err error) {
	models := make(map[string]gen.LoginSession, len(response.Data))
	for kvmID, data := range response.Data {
		var model gen.LoginSession
		if json.Unmarshal(data, &model) != nil {
			model = gen.LoginSession{} // not usable
		}
		models[kvmID], hide = model, append(hide, model.Signature)
	}
	usable := false
	for kvmID, model := range models {
		session, sessionErr := sessionOf(kvmID, model, login{hide: hide, at: time.Now()})
		if sessionErr != nil {
			session, err = Session{KVMID: hide.Text(kvmID, 100)}, sessionErr
		}
		usable = usable || sessionErr == nil
		sessions = append(sessions, session)
	}
	if usable {
		err = nil
	}
	slices.SortFunc(sessions, func(a, b Session) int { return strings.Compare(a.KVMID, b.KVMID) })
	return sessions, err
}

// sessionOf returns one session of a response. Fields that no call needs are empty if
// they have another type.
func sessionOf(kvmID string, model gen.LoginSession, from login) (session Session, err error) {
	session = Session{KVMID: cmp.Or(model.KVMID, kvmID), Signature: model.Signature, Suspended: model.Suspended == "y", login: &from}
	apiHost, _ := model.APIHost.(string)
	session.APIHost = strings.ToLower(apiHost)
	description, _ := model.Description.(string)
	session.Description = from.hide.Text(description, 1024)
	primaryIP, _ := model.PrimaryIP.(string)
	session.PrimaryIP, _ = netip.ParseAddr(primaryIP) // zero if it is not known
	session.ValidUntil, from.validUntil, err = parseValidUntil(model.ValidUntil)
	// A host name has no escapes, and may contain the beginning of a secret by chance.
	echo := slices.ContainsFunc(from.hide, func(secret string) bool {
		return len(secret) > 5 && strings.Contains(session.APIHost, strings.ToLower(secret))
	})
	if bad := session.check(); err != nil || len(bad) > 0 || echo || from.hide.Text(session.KVMID, 1024) != session.KVMID {
		return session, errors.New("/data/*: not a usable session")
	}
	return session, nil
}

// parseValidUntil parses Unix seconds, as a number or decimal string, or an ISO 8601
// time, in UTC unless it has a zone: the documented samples have had all of them. It also
// returns the text, to be sent back as received.
func parseValidUntil(value any) (at time.Time, text string, err error) {
	text, _ = value.(string)
	if number, ok := value.(float64); ok {
		text = strconv.FormatFloat(number, 'f', -1, 64)
	}
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil && seconds > 0 {
		return time.Unix(seconds, 0), text, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateTime} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, text, nil
		}
	}
	return time.Time{}, "", errors.New("not a time")
}
