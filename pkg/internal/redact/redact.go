// Package redact keeps secrets and control characters out of texts that are
// shown.
package redact

import (
	"encoding/json"
	"errors"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Mark stands where a secret was.
const Mark = "[redacted]"

const (
	maxSecret = 1 << 10  // longest secret in bytes
	maxText   = 16 << 10 // beginning of a text that is looked at, far more than is ever shown
)

// CheckSecret returns the reason for which a secret could not be kept out of a
// text: it is empty, longer than 1 KiB, or has control characters.
func CheckSecret(secret string) (refused string) {
	switch {
	case secret == "":
		return "empty"
	case len(secret) > maxSecret:
		return "longer than 1 KiB"
	case !utf8.ValidString(secret) || strings.ContainsFunc(secret, unicode.IsControl):
		return "has control characters or invalid UTF-8"
	}
	return ""
}

// Secrets are those of one call. They are kept out of texts that came from
// outside: an answer, or an error that quotes one.
type Secrets []string

// Text returns the beginning of s, at most limit bytes, without secrets and
// control characters: it may be shown on a terminal. If there is a secret in it,
// its escapes are undone as well.
func (s Secrets) Text(text string, limit int) string {
	text = strings.ToValidUTF8(text[:min(len(text), maxText)], "?")
	longestFirst := slices.SortedFunc(slices.Values(s), func(a, b string) int { return len(b) - len(a) })
	hidden, found := text, false
	// A secret can stand in any layer of escapes, and can look escaped itself.
	for range layers {
		plain := hidden
		for _, secret := range longestFirst {
			hidden = replace(replace(hidden, secret), unescape(secret))
		}
		found = found || hidden != plain
		if hidden = strings.ToValidUTF8(unescapeOnce(hidden), "?"); hidden == plain {
			break // nothing is left to find or to undo
		}
	}
	if found {
		if len(text) >= maxText { // half a secret may be left at the end
			hidden = hidden[:max(0, len(hidden)-maxSecret)]
		}
		text = strings.ReplaceAll(hidden, placeholder, Mark)
	}
	return Clip(Printable(text), limit)
}

// placeholder is not longer than any secret.
const placeholder = "\x00"

// replace finds a secret, be it in another case or with blanks as in a form.
func replace(plain, secret string) string {
	folded, wanted := strings.Map(fold, plain), strings.Map(fold, secret)
	var text strings.Builder
	for at := strings.Index(folded, wanted); at >= 0 && wanted != ""; at = strings.Index(folded, wanted) {
		text.WriteString(plain[:at] + placeholder)
		plain, folded = plain[at+len(wanted):], folded[at+len(wanted):]
	}
	return text.String() + plain
}

// fold keeps the length of a text.
func fold(char rune) rune {
	if char == '+' {
		return ' '
	}
	if lower := unicode.ToLower(char); utf8.RuneLen(lower) == utf8.RuneLen(char) {
		return lower
	}
	return char
}

// escapes are those of URLs and forms, JSON, Go and HTML.
var escapes = regexp.MustCompile(`(?i)%[0-9a-f]{2}|(?-i:\\U)[0-9a-f]{8}|(?:\\u[0-9a-f]{4})+|\\x[0-9a-f]{2}|\\|&#?[0-9a-z]{1,8};`)

// layers of escapes are looked into, more than there are; "%25252525..." must
// not take long.
const layers = 8

// unescapeOnce undoes the outer layer of escapes.
func unescapeOnce(s string) string {
	return escapes.ReplaceAllStringFunc(s, func(escape string) (plain string) {
		switch {
		case escape[0] == '%':
			plain, _ = url.PathUnescape(escape)
		case escape[0] == '&':
			plain = html.UnescapeString(escape)
		case len(escape) > 1 && escape[1] == 'u': // maybe a pair of surrogates
			_ = json.Unmarshal([]byte(`"`+escape+`"`), &plain)
		case len(escape) > 1:
			plain, _ = strconv.Unquote(`"` + escape + `"`)
		}
		return plain // nothing for a backslash before something else
	})
}

func unescape(s string) string {
	for range layers {
		plain := unescapeOnce(s)
		if plain == s {
			break
		}
		s = plain
	}
	return s
}

// Printable puts a blank in the place of what could steer a terminal.
func Printable(s string) string {
	return strings.Map(func(char rune) rune {
		if unicode.IsPrint(char) {
			return char
		}
		return ' '
	}, s)
}

// Clip shortens s to at most limit bytes, not inside a character, and says so.
func Clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	const ellipsis = "..."
	return strings.ToValidUTF8(s[:limit-len(ellipsis)], "") + ellipsis
}

// cause is an error that can quote an answer and so a secret. It can be tested
// for, but not taken apart.
type cause struct {
	text  string
	error error
}

// Cause returns err with a text that shows no secrets. What err is, or is caused
// by, errors.Is still tells; what holds the text is out of reach.
func (s Secrets) Cause(err error) error { return &cause{s.Text(err.Error(), 2048), err} }

func (e *cause) Error() string        { return e.text }
func (e *cause) Is(target error) bool { return errors.Is(e.error, target) }
