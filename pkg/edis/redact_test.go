package edis

import (
	"strings"
	"testing"
	"time"
)

func TestRedactor(t *testing.T) {
	t.Parallel()
	const half = maxText - 5
	for _, test := range []struct {
		secrets redactor
		text    string
		want    string
	}{
		{nil, `a\"b %41 &amp;`, `a\"b %41 &amp;`}, // untouched where there is no secret
		{redactor{""}, "abc", "abc"},
		{redactor{"abc"}, "xABCx%61bcx\\u0061bcx&#97;bc", "x[redacted]x[redacted]x[redacted]x[redacted]"},
		{redactor{"abc", "abcdef"}, "abcdef abc", "[redacted] [redacted]"}, // the longer one first
		{redactor{"a b+c"}, "a+b%2Bc a%20b+c", "[redacted] [redacted]"},
		{redactor{"%41bc"}, "x%41bcx%2541bcx", "x[redacted]x[redacted]x"}, // looks escaped itself
		{redactor{`a"\b`}, `{"k":"a\"\\b"} a%22%5Cb a&quot;\b`, `{"k":"[redacted]"} [redacted] [redacted]`},
		{redactor{"pässword"}, "p%C3%A4ssword p\\u00e4ssword p&auml;ssword", "[redacted] [redacted] [redacted]"},
		{redactor{"\U0001F511key"}, `\ud83d\udd11key %F0%9F%94%91key`, "[redacted] [redacted]"},
		{redactor{"deadbeef01"}, `near '%deadbeef01…%', bad \xdeadbeef01`, "near '%[redacted]…%', bad x[redacted]"}, // begins like an escape
		{redactor{"secret%"}, "secret%41", "[redacted]41"},
		{redactor{"key\U0001F511"}, `key\U0001f511 \x6bey\ud83d\udd11`, "[redacted] [redacted]"},
		{redactor{"secret"}, "\xff\xfesecret\xff", "?[redacted]?"},
		// The end of what is looked at goes through a secret, which ends up within
		// the limit as so much before it goes away.
		{redactor{"secret12"}, strings.Repeat("secret12", half/8) + "xsecret12", strings.Repeat("[redacted]", 204) + "[reda..."},
	} {
		if got := test.secrets.text(test.text, 2048); got != test.want {
			t.Errorf("redactor%q.text(%.60q) = %q, want %q", test.secrets, test.text, got, test.want)
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
		_ = redactor{secret, "a"}.text(text, 2048)
		if took := time.Since(started); took > 2*time.Second { // it takes some milliseconds
			t.Errorf("took %v for %.10q...", took, text)
		}
	}
}
