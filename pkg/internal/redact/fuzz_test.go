package redact

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// FuzzText: a text with a secret is withheld whole, and one without stays within its
// limit and cannot control a terminal.
func FuzzText(f *testing.F) {
	f.Add("before ", "s3cr3t", " after")
	f.Add("%25", "%41\\", "&amp;")
	f.Fuzz(func(t *testing.T, before, secret, after string) {
		shown := Secrets{"another secret"}.Text(before+secret+after, 100)
		if len(shown) > 100 || !utf8.ValidString(shown) || strings.ContainsFunc(shown, func(char rune) bool { return !unicode.IsPrint(char) }) {
			t.Errorf("Text(%q) = %q", before+secret+after, shown)
		}
		if CheckSecret(secret) != nil || len(before) > maxText-maxSecret {
			return
		}
		if shown := (Secrets{secret}).Text(before+secret+after, 100); shown != Withheld {
			t.Errorf("Secrets{%q}.Text(%q) = %q", secret, before+secret+after, shown)
		}
	})
}
