package edis_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
)

// formsOf returns a value as packages fmt, encoding/json, encoding/xml and log/slog print
// it.
func formsOf(t *testing.T, value any) (forms []string) {
	t.Helper()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%t", "%c", "%40v", "%-5s|", "%.3s", "%T"} {
		forms = append(forms, fmt.Sprintf(verb, value))
	}
	encoded, err := json.Marshal(map[string]any{"value": value})
	if err != nil {
		t.Fatal(err)
	}
	forms = append(forms, string(encoded))
	if encoded, err := xml.Marshal(value); err == nil {
		forms = append(forms, string(encoded)) // some values have no XML
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "value", value)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "value", value)
	return append(forms, log.String())
}

func TestSecret(t *testing.T) {
	t.Parallel()
	const text = "Geheimnis-2026"
	// wantHidden fails the test if a form shows the text, or its bytes in hexadecimal.
	wantHidden := func(t *testing.T, value any) {
		t.Helper()
		for _, form := range formsOf(t, value) {
			for _, leak := range []string{"eheim", fmt.Sprintf("%x", "eheim"), fmt.Sprintf("% x", "ehe")} {
				if strings.Contains(strings.ToLower(form), leak) {
					t.Errorf("%T is printed as %q, which shows its secret", value, form)
				}
			}
		}
	}
	if wantedOnes := formsOf(t, text); !strings.Contains(strings.Join(wantedOnes, " "), fmt.Sprintf("%x", text)) {
		t.Errorf("a string is printed as %q, want its bytes in one of them", wantedOnes)
	}
	parallel(t, "is not printed", func(t *testing.T) {
		secret := edis.Secret(text)
		for _, value := range []any{secret, &secret, []edis.Secret{secret}, map[string]edis.Secret{"a": secret}, struct{ S edis.Secret }{secret}, &struct{ P *edis.Secret }{&secret}} {
			wantHidden(t, value)
		}
		for verb, want := range map[string]string{"%v": "[redacted]", "%s": "[redacted]", "%q": "[redacted]", "%x": "[redacted]", "%#v": "[redacted]"} {
			if got := fmt.Sprintf(verb, secret); got != want {
				t.Errorf("Sprintf(%q, secret) = %q, want %q", verb, got, want)
			}
		}
	})
	parallel(t, "prints nothing if it is empty", func(t *testing.T) {
		encoded, err := json.Marshal(edis.Secret(""))
		if got := fmt.Sprintf("%v%q%#v", edis.Secret(""), edis.Secret(""), edis.Secret("")); got != "" || string(encoded) != `""` || err != nil || edis.Secret("").LogValue().String() != "" {
			t.Errorf("empty Secret is printed as %q, JSON %s, %v, want nothing", got, encoded, err)
		}
	})
	parallel(t, "can be read, but not from its redacted form", func(t *testing.T) {
		var login edis.Credentials
		if err := json.Unmarshal([]byte(`{"Email":"a@example.com","Password":"`+text+`"}`), &login); err != nil || login.Password != text {
			t.Errorf("Unmarshal = %v, %q, want the password", err, string(login.Password))
		}
		encoded, err := json.Marshal(login)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(encoded, &login); err == nil || !strings.Contains(err.Error(), `is "[redacted]", which is how a secret is printed`) {
			t.Errorf("Unmarshal(%s) = %v, want an error: that is not the password", encoded, err)
		}
		secret := edis.Secret("before")
		if err := secret.UnmarshalText([]byte("[redacted]")); err == nil || secret != "before" {
			t.Errorf("UnmarshalText = %v, and the secret is %q, want an error and no change", err, string(secret))
		}
		if err := secret.UnmarshalText(nil); err != nil || secret != "" {
			t.Errorf("UnmarshalText of nothing = %v, and the secret is %q, want it empty", err, string(secret))
		}
	})
	parallel(t, "of a session, credentials, account, server or client is not printed", func(t *testing.T) {
		server, client := fakeEDIS(t)
		login := edis.Credentials{Email: "owner@example.com", Password: text}
		stored := edis.Session{KVMID: "kvm_1", Signature: text, ValidUntil: time.Now().Add(time.Hour)}
		account, used := client.Account(login, stored), client.Account(server.Credentials())
		mustSession(t, used)
		for _, value := range []any{stored, &stored, []edis.Session{stored}, login, &login, account, account.Server("kvm_1"), *account, *account.Server("kvm_1"), client} {
			wantHidden(t, value)
		}
		session := mustSession(t, used)
		for _, value := range []any{used, *used, used.Server(session.KVMID), *used.Server(""), struct{ A *edis.Account }{used}} {
			for _, form := range formsOf(t, value) {
				if strings.Contains(form, string(session.Signature)) || strings.Contains(form, server.Credentials().Email) || strings.Contains(form, string(server.Credentials().Password)) {
					t.Errorf("%T is printed as %q, want nothing of its login", value, form)
				}
			}
		}
		if got := fmt.Sprintf("%+v", stored); !strings.Contains(got, "KVMID:kvm_1 Signature:[redacted]") {
			t.Errorf("a session is printed as %q, want its KVM ID", got)
		}
		if got := fmt.Sprint(login); got != "{owner@example.com [redacted]}" {
			t.Errorf("credentials are printed as %q, want the e-mail address", got)
		}
	})
}

// A secret that is "[redacted]" was printed and read again. No call sends it.
func TestRedactedSecretIsNotSent(t *testing.T) {
	t.Parallel()
	s := serve(t, succeed)
	client := newClient(t, s.URL)
	redacted := session()
	redacted.Signature = "[redacted]"
	login := edis.Credentials{Email: "a@example.com", Password: "[redacted]"}
	for name, call := range map[string]func(context.Context) error{
		"SetPTR":    func(ctx context.Context) error { return client.SetPTR(ctx, redacted, onePTR) },
		"DeletePTR": func(ctx context.Context) error { return client.DeletePTR(ctx, redacted, addr("192.0.2.10")) },
		"GetPTR": func(ctx context.Context) error {
			_, err := client.GetPTR(ctx, redacted, addr("192.0.2.10"))
			return err
		},
		"ListPTR":    func(ctx context.Context) error { _, err := client.ListPTR(ctx, redacted); return err },
		"ConfirmPTR": func(ctx context.Context) error { _, err := client.ConfirmPTR(ctx, redacted, onePTR); return err },
		"Login":      func(ctx context.Context) error { _, err := client.Login(ctx, login); return err },
		"Account":    func(ctx context.Context) error { return client.SetPTR(ctx, client.Account(login), onePTR) },
		"Account with a stored session": func(ctx context.Context) error {
			return client.SetPTR(ctx, client.Account(edis.Credentials{}, redacted), onePTR)
		},
	} {
		err := call(t.Context())
		wantErrorIs(t, err, edis.ErrInvalidInput)
		if input := new(edis.InputError); !errors.As(err, &input) || input.Value != "" || !strings.Contains(input.Reason, "use the secret itself") {
			t.Errorf("%s = %v, want it to say that the secret is redacted", name, err)
		}
	}
	wantRequests(t, s, 0)
}

// What is hidden never decides which sessions work.
func TestSessionsThatContainSecretsWork(t *testing.T) {
	t.Parallel()
	login := edis.Credentials{Email: "owner@example.com", Password: "kvm_1-Passwort"}
	for name, test := range map[string]struct{ id, fields, description string }{
		"password in the description":                    {"kvm_1", `,"description":"KVM%5F1-passwort"`, "[text withheld: it may hold a secret]"},
		"e-mail address in the description":              {"kvm_1", `,"description":"of owner@example.com"`, "[text withheld: it may hold a secret]"},
		"the session's own signature in the description": {"kvm_1", `,"description":"` + strings.Repeat("ab", 256) + `"`, strings.Repeat("ab", 256)},
		"part of the password in the ID":                 {"kvm_1-Passw", ``, ""},
		"password as ID":                                 {"kvm_1-Passwort", ``, ""},
		"e-mail address as ID":                           {"owner@example.com", ``, ""},
		"another session's signature in ID and host":     {strings.Repeat("ab", 256), `,"api_host":"` + strings.Repeat("cd", 20) + `.example"`, ""},
		"beginning of another session's signature":       {strings.Repeat("cd", 3), ``, ""},
		"part of the e-mail address in the API host":     {"kvm_1", `,"api_host":"owner.example.com"`, ""},
		"description that begins like the password":      {"kvm_1", `,"description":"kvm_1-Passagen"`, "kvm_1-Passagen"},
		"description with a word of the e-mail address":  {"kvm_1", `,"description":"owner"`, "owner"},
	} {
		body := fmt.Sprintf(`{"status":"success","data":{%q:{"signature":%q,"valid_until":4102444800%s},"kvm_2":{"signature":%q,"valid_until":4102444800}}}`,
			test.id, strings.Repeat("ab", 256), test.fields, strings.Repeat("cd", 256))
		client := newClient(t, serve(t, respondWith(200, jsonType, body)).URL)
		sessions, err := client.Login(t.Context(), login)
		if err != nil || len(sessions) != 2 || sessions[0].Signature == "" || sessions[1].Signature == "" {
			t.Errorf("%s: Login = %+v, %v, want two usable sessions", name, sessions, err)
			continue
		}
		for _, session := range sessions {
			if session.KVMID != "kvm_2" && (session.KVMID != test.id || session.Description != test.description) {
				t.Errorf("%s: Login = %+v, want the ID %q and the description %q", name, session, test.id, test.description)
			}
			if got := mustSession(t, client.Account(login).Server(session.KVMID)); got != session {
				t.Errorf("%s: Session = %+v, want %+v", name, got, session)
			}
		}
	}
}
