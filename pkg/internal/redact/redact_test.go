package redact

import (
	"strings"
	"testing"
	"time"
)

func TestRedactor(t *testing.T) {
	t.Parallel()
	const half = maxText - 5
	for _, test := range []struct {
		secrets Secrets
		text    string
		want    string
	}{
		{nil, `a\"b %41 &amp;`, `a\"b %41 &amp;`}, // untouched where there is no secret
		{Secrets{""}, "abc", "abc"},
		{Secrets{"abc"}, "xABCx%61bcx\\u0061bcx&#97;bc", "x[redacted]x[redacted]x[redacted]x[redacted]"},
		{Secrets{"abc", "abcdef"}, "abcdef abc", "[redacted] [redacted]"}, // the longer one first
		{Secrets{"a b+c"}, "a+b%2Bc a%20b+c", "[redacted] [redacted]"},
		{Secrets{"%41bc"}, "x%41bcx%2541bcx", "x[redacted]x[redacted]x"}, // looks escaped itself
		{Secrets{`a"\b`}, `{"k":"a\"\\b"} a%22%5Cb a&quot;\b`, `{"k":"[redacted]"} [redacted] [redacted]`},
		{Secrets{"pässword"}, "p%C3%A4ssword p\\u00e4ssword p&auml;ssword", "[redacted] [redacted] [redacted]"},
		{Secrets{"\U0001F511key"}, `\ud83d\udd11key %F0%9F%94%91key`, "[redacted] [redacted]"},
		{Secrets{"deadbeef01"}, `near '%deadbeef01…%', bad \xdeadbeef01`, "near '%[redacted]…%', bad x[redacted]"}, // begins like an escape
		{Secrets{"PÄSSWÖRD"}, "pässwörd PÄSSWÖRD", "[redacted] [redacted]"},
		{Secrets{"secret%"}, "secret%41", "[redacted]41"},
		{Secrets{"key\U0001F511"}, `key\U0001f511 \x6bey\ud83d\udd11`, "[redacted] [redacted]"},
		{Secrets{"secret"}, "\xff\xfesecret\xff", "?[redacted]?"},
		// The end of what is looked at goes through a secret, which ends up within
		// the limit as so much before it goes away.
		{Secrets{"secret12"}, strings.Repeat("secret12", half/8) + "xsecret12", strings.Repeat("[redacted]", 204) + "[reda..."},
	} {
		if got := test.secrets.Text(test.text, 2048); got != test.want {
			t.Errorf("Secrets%q.Text(%.60q) = %q, want %q", test.secrets, test.text, got, test.want)
		}
	}
}

// Whatever a hostile answer is made of, redaction takes its time in proportion.
func TestRedactorIsQuick(t *testing.T) {
	t.Parallel()
	secret := strings.Repeat("é+", maxSecret/3)
	for _, text := range []string{
		strings.Repeat("%25", 1<<20), "%" + strings.Repeat("25", 1<<20), strings.Repeat("é+", 1<<20), strings.Repeat("&#38;", 1<<20), strings.Repeat(`\u005c`, 1<<20), strings.Repeat("a", 16<<20),
	} {
		started := time.Now()
		_ = Secrets{secret, "a"}.Text(text, 2048)
		if took := time.Since(started); took > 2*time.Second { // it takes some milliseconds
			t.Errorf("took %v for %.10q...", took, text)
		}
	}
}
