package redact

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzText: a secret that CheckSecret accepts is not in the text, neither as it
// is nor with the escapes of one layer undone.
func FuzzText(f *testing.F) {
	f.Fuzz(func(t *testing.T, before, secret, after string) {
		shown := Mark + "..."
		if CheckSecret(secret) != "" || len(secret) < 4 || strings.ContainsAny(secret, " ?") || strings.Contains(shown, secret) {
			return // no secret, or one that a text without it may have
		}
		text := Secrets{secret}.Text(before+secret+after, 1000)
		if len(text) > 1000 || !utf8.ValidString(text) {
			t.Errorf("Text of %q, %q, %q is %q", before, secret, after, text)
		}
		if strings.Contains(strings.ReplaceAll(text, Mark, "\n"), secret) && !strings.Contains(before+after, secret[:1]) {
			t.Errorf("Text of %q, %q, %q shows the secret: %q", before, secret, after, text)
		}
	})
}
