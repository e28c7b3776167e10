// Package redact keeps secrets and control characters out of text that is shown.
package redact

import (
	"encoding/json"
	"errors"
	"html"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// Mark is shown in place of a secret.
	Mark = "[redacted]"
	// Withheld is shown in place of a text that holds a secret.
	Withheld = "[text withheld: it may hold a secret]"

	maxSecret = 1 << 10
	// maxText is how much of a text is searched: far more than is ever shown, and
	// a secret that begins in what is shown, escaped, ends within it.
	maxText = 16 << 10
)

// CheckSecret returns an error for a secret that [Secrets] could not find in a text.
func CheckSecret(secret string) error {
	if secret == "" {
		return errors.New("empty")
	}
	if len(secret) > maxSecret || !utf8.ValidString(secret) || strings.ContainsFunc(secret, unicode.IsControl) {
		return errors.New("longer than 1 KiB, or not text without control characters")
	}
	return nil
}

// Secrets are those of one call, each of which passes [CheckSecret]. They are kept out
// of text that the service controls: a response, or an error that quotes one.
type Secrets []string

// Text returns the beginning of text, at most limit bytes, in a form that is safe
// for a terminal; or [Withheld] if the text holds a secret.
func (s Secrets) Text(text string, limit int) string {
	if s.foundIn(text) {
		return Withheld
	}
	return Clip(Printable(text[:min(len(text), maxText)]), limit)
}

// Error returns err, or the result of [Withhold] if its text holds a secret.
func (s Secrets) Error(err error) error {
	if s.foundIn(err.Error()) {
		return Withhold(err)
	}
	return err
}

// Withhold returns an error that matches what err matches, but hides its text and its
// causes.
func Withhold(err error) error { return withheldError{err} }

type withheldError struct{ err error }

func (e withheldError) Error() string        { return Withheld }
func (e withheldError) Is(target error) bool { return errors.Is(e.err, target) }

// layers is how many layers of escapes are undone; nothing needs more.
const layers = 8

// foundIn reports whether text holds a secret, or the beginning of one, in any usual
// escape and in any case. A text with more layers of escapes than anything needs counts
// too.
func (s Secrets) foundIn(text string) bool {
	text = text[:min(len(text), maxText)]
	for range layers {
		text = strings.ToValidUTF8(text, "")
		folded := fold(text)
		for _, secret := range s {
			beginning := strings.ToValidUTF8(secret[:min(len(secret), enough)], "")
			if secret != "" && strings.Contains(folded, fold(beginning)) {
				return true
			}
		}
		plain := unescape(text)
		if plain == text {
			return false
		}
		text = plain
	}
	return len(s) > 0
}

// enough is how many bytes of a secret give it away: the rest may have been cut off.
const enough = 6

// fold maps upper case to lower case, and the plus signs of forms to spaces.
func fold(text string) string {
	return strings.ReplaceAll(strings.ToLower(text), "+", " ")
}

// escapes are those of URLs and forms, JSON, Go and HTML.
var escapes = regexp.MustCompile(`(?i)%[0-9a-f]{2}|(?-i:\\U)[0-9a-f]{8}|(?:\\u[0-9a-f]{4})+|\\x[0-9a-f]{2}|\\\\|\\|&#?[0-9a-z]{1,8};`)

// unescape undoes the outer layer of escapes.
func unescape(text string) string {
	return escapes.ReplaceAllStringFunc(text, func(escape string) (plain string) {
		switch {
		case escape[0] == '%':
			plain, _ = url.PathUnescape(escape)
		case escape[0] == '&':
			plain = html.UnescapeString(escape)
		case len(escape) > 1 && escape[1] == 'u': // perhaps a surrogate pair
			_ = json.Unmarshal([]byte(`"`+escape+`"`), &plain)
		case len(escape) > 1:
			plain, _ = strconv.Unquote(`"` + escape + `"`)
		}
		return plain // empty for a backslash before anything else
	})
}

// Printable replaces with a space every character that could control a terminal.
func Printable(text string) string {
	return strings.Map(func(char rune) rune {
		if unicode.IsPrint(char) {
			return char
		}
		return ' '
	}, strings.ToValidUTF8(text, "?"))
}

// Clip shortens text to at most limit bytes, between characters, and ends it with dots
// then.
func Clip(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	const ellipsis = "..."
	return strings.ToValidUTF8(text[:limit-len(ellipsis)], "") + ellipsis
}
