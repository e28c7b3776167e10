package edis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/edisptr/edis-go/gen"
	"github.com/edisptr/edis-go/pkg/internal/redact"
)

// Credentials are the login details of an EDIS account. However they are printed, logged
// or marshaled, the e-mail address and the password are not shown.
type Credentials struct {
	// Email and Password are those of the account. Required.
	Email, Password string
	// KVMID names one KVM server: [Client.Login] returns its session only, and
	// [Account.Session] that of the server. Optional if the account has one server.
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
	return bad
}

// Login logs in and returns a session for each KVM server of the account, or for
// the one that credentials name, sorted by KVM id (operation createAuthSession,
// POST /kvm/v2/get/auth). A login that was sent is never repeated, because failed
// logins can lock an account.
//
// The errors are those of [Client.GetPTR]. Credentials that the service refuses give
// an [*APIError], usually with [ErrUnauthorized]. To make calls for longer than one
// session lasts, or for several servers, see [Client.Account].
func (c *Client) Login(ctx context.Context, credentials Credentials) ([]Session, error) {
	if err := checkCall(ctx, credentials.check()); err != nil {
		return nil, err
	}
	form := gen.LoginForm{Email: credentials.Email, KVMID: credentials.KVMID, Pw: credentials.Password}
	hide := redact.Secrets{credentials.Password, credentials.Email}
	var sessions []Session
	err := createAuthSession.call(ctx, c, form, 0, hide, func(response gen.LoginSuccess) (err error) {
		sessions, err = sessionsOf(response, &login{credentials, time.Now()})
		return err
	})
	return sessions, err
}

// sessionsOf returns the sessions in a response. Its errors quote nothing of it: it
// holds secrets.
func sessionsOf(response gen.LoginSuccess, from *login) (sessions []Session, err error) {
	for _, data := range response.Data {
		session := Session{
			KVMID: data.KVMID, Signature: data.Signature, APIHost: data.APIHost,
			Description: data.Description, Suspended: data.Suspended == "y", login: from,
		}
		session.PrimaryIP, _ = netip.ParseAddr(data.PrimaryIP) // zero if it is not known
		if session.ValidUntil, err = parseValidUntil(data.ValidUntil); err != nil {
			return nil, fmt.Errorf("/data/*/valid_until: %w", err)
		}
		if bad := session.check(); len(bad) > 0 {
			return nil, errors.New("/data/*: not a usable session")
		}
		sessions = append(sessions, session)
	}
	slices.SortFunc(sessions, func(a, b Session) int { return strings.Compare(a.KVMID, b.KVMID) })
	return sessions, nil
}

// parseValidUntil reads Unix seconds, as a number or in decimal, or an ISO 8601 time,
// which without a zone is in UTC: the documented samples have had all of them.
func parseValidUntil(value any) (time.Time, error) {
	text, _ := value.(string)
	if number, ok := value.(float64); ok {
		text = strconv.FormatFloat(number, 'f', -1, 64)
	}
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil && seconds > 0 {
		return time.Unix(seconds, 0), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateTime} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, errors.New("not a time")
}
