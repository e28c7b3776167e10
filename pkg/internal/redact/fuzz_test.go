package redact

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// FuzzText checks that Text withholds a text with a secret, and that other texts stay
// within the limit and cannot control the terminal.
func FuzzText(f *testing.F) {
	f.Add("before ", "s3cr3t", " after")
	f.Add("%25", "%41\\", "&amp;")
	f.Fuzz(func(t *testing.T, before, secret, after string) {
		shown := Secrets{"another secret"}.Text(before+secret+after, 100)
		if len(shown) > 100 || !utf8.ValidString(shown) || strings.ContainsFunc(shown, func(char rune) bool { return !unicode.IsPrint(char) }) {
			t.Errorf("Text(%q, 100) = %q, want at most 100 printable bytes", before+secret+after, shown)
		}
		if CheckSecret(secret) != nil || len(before) > maxText-maxSecret {
			return
		}
		if shown := (Secrets{secret}).Text(before+secret+after, 100); shown != Withheld {
			t.Errorf("Secrets{%q}.Text(%q, 100) = %q, want %q", secret, before+secret+after, shown, Withheld)
		}
	})
}
