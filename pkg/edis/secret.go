package edis

import (
	"fmt"
	"log/slog"

	"github.com/edisptr/edis-go/pkg/internal/redact"
)

// A Secret is text that must not be shown, such as a password or the signature of a
// session. Packages fmt, log, log/slog and encoding/json, and others that use the methods
// below, print "[redacted]" in its place. They print nothing for an empty one. To use a
// secret, convert it to a string.
//
// Those packages cannot call the methods of a Secret in an unexported field of a caller's
// struct, so they print it. So do the verbs %p and %w of package fmt, package
// encoding/gob, and JSON objects that have a Secret as a key.
//
// A Secret that is sent has at most 1 KiB of text without control characters.
type Secret string

func (s Secret) redacted() string {
	if s == "" {
		return ""
	}
	return redact.Mark
}

// Format prints "[redacted]", whatever the verb.
func (s Secret) Format(state fmt.State, _ rune) { _, _ = fmt.Fprint(state, s.redacted()) }

// LogValue returns "[redacted]".
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.redacted()) }

// MarshalText returns "[redacted]". To store a secret, convert it to a string.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.redacted()), nil }

// UnmarshalText sets s. It returns an error for "[redacted]", which MarshalText returns
// for every secret.
func (s *Secret) UnmarshalText(text []byte) error {
	if string(text) == redact.Mark {
		return fmt.Errorf("edis: a secret %w", redact.CheckSecret(redact.Mark))
	}
	*s = Secret(text)
	return nil
}
