package edis

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/edisptr/edis-go/gen"
	"github.com/edisptr/edis-go/pkg/internal/canonical"
	"github.com/edisptr/edis-go/pkg/internal/redact"
)

// Credentials are the login details of an EDIS account. The service accepts them only if
// API access is switched on in the customer portal.
type Credentials struct {
	// Email is the address that the account logs in with. Required. It is not a secret,
	// but it is withheld from texts of the service that repeat it.
	Email string
	// Password is the password of the account. Required.
	Password Secret
}

func (c Credentials) check() (bad inputErrors) {
	bad.add("Credentials.Email", "", redact.CheckSecret(c.Email))
	bad.add("Credentials.Password", "", redact.CheckSecret(string(c.Password)))
	return bad
}

// Login logs in and returns a session for each KVM server of the account, sorted by KVM
// ID (operation createAuthSession, POST /kvm/v2/get/auth). A session that no call can use
// has no Signature. If there are sessions and none can be used, the error matches
// [ErrContract]. A login that was sent is never repeated, because failed logins can lock
// an account.
//
// If the service refuses the credentials, the error matches [ErrLoginRefused]. Other
// errors are those of [Client.GetPTR]. To make calls for longer than one session lasts,
// or for several servers, use [Client.Account].
func (c *Client) Login(ctx context.Context, credentials Credentials) ([]Session, error) {
	sessions, failed := c.logIn(ctx, credentials)
	if failed != nil {
		return nil, failed
	}
	return sessions, nil
}

func (c *Client) logIn(ctx context.Context, credentials Credentials) (sessions []Session, failed *CallError) {
	if err := credentials.check().err(); err != nil {
		return nil, notSentError(createAuthSession.op, err)
	}
	form := gen.LoginForm{Email: credentials.Email, Pw: string(credentials.Password)}
	secrets := redact.Secrets{string(credentials.Password), credentials.Email}
	call := createAuthSession.with(form, 0, func(response gen.LoginSuccess) error {
		sessions = sessionsIn(response, secrets)
		return checkUsable(sessions)
	})
	call.hide = secrets
	if failed := c.do(ctx, call); failed != nil {
		return nil, failed
	}
	return sessions, nil
}

// sessionsIn returns the sessions in a response, the newest of each server, sorted by KVM
// ID. The descriptions hide the given secrets.
func sessionsIn(response gen.LoginSuccess, hide redact.Secrets) []Session {
	sessions := make([]Session, 0, len(response.Data))
	for _, kvmID := range slices.Sorted(maps.Keys(response.Data)) { // sorting large structs takes longer
		session, err := decodeSession(kvmID, response.Data[kvmID], hide)
		if err != nil {
			session = Session{KVMID: redact.Clip(redact.Printable(kvmID), 100)}
		}
		sessions = append(sessions, session)
	}
	return newestOfEach(sessions)
}

// checkUsable returns an error if there are sessions and none is usable. The error quotes
// nothing of the response.
func checkUsable(sessions []Session) error {
	if len(sessions) == 0 || slices.ContainsFunc(sessions, Session.isUsable) {
		return nil // an account without servers has none to use
	}
	return errors.New("/data/*: not a usable session")
}

// decodeSession returns one session of a response. Fields that no call needs are empty if
// they have another type.
func decodeSession(kvmID string, data []byte, hide redact.Secrets) (session Session, err error) {
	var model gen.LoginSession
	if err := json.Unmarshal(data, &model); err != nil {
		return Session{}, err
	}
	session = Session{KVMID: cmp.Or(model.KVMID, kvmID), Signature: Secret(model.Signature), Suspended: model.Suspended == "y"}
	apiHost, _ := model.APIHost.(string)
	session.APIHost = strings.ToLower(apiHost)
	description, _ := model.Description.(string)
	session.Description = hide.Text(description, 1024)
	primaryIP, _ := model.PrimaryIP.(string)
	if address, err := netip.ParseAddr(primaryIP); err == nil {
		session.PrimaryIP, _ = canonical.Address(address) // else it is not known
	}
	if session.ValidUntil, err = parseValidUntil(model.ValidUntil); err != nil {
		return Session{}, err
	}
	return session, session.check().err()
}

// parseValidUntil parses Unix seconds, as a number or decimal string, or an ISO 8601
// time, in UTC unless it has a zone: the documented samples have had all of them.
func parseValidUntil(value any) (time.Time, error) {
	text, _ := value.(string)
	if number, ok := value.(float64); ok {
		text = strconv.FormatFloat(number, 'f', -1, 64)
	}
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil && seconds > 0 {
		return time.Unix(seconds, 0).UTC(), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateTime} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC().Truncate(time.Second), nil
		}
	}
	return time.Time{}, errors.New("not a time")
}
