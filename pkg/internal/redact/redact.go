// Package redact keeps secrets and control characters out of text that is shown. It
// decides nothing else: a text that is withheld changes no call and no session.
package redact

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// Mark is shown in place of a secret.
	Mark = "[redacted]"
	// Withheld is shown in place of a text that contains a secret.
	Withheld = "[text withheld: it may hold a secret]"

	maxSecret = 1 << 10
	// maxText is how much of a text is searched. That is far more than is ever shown, and
	// a secret that begins in what is shown, escaped, ends within it.
	maxText = 16 << 10
	// maxError is how much of the text of an error is shown.
	maxError = 2 << 10
)

// CheckSecret returns an error for a secret that cannot be sent.
func CheckSecret(secret string) error {
	switch {
	case secret == "":
		return errors.New("is empty")
	case secret == Mark:
		return fmt.Errorf("is %q, which is how a secret is printed; use the secret itself", Mark)
	case len(secret) > maxSecret:
		return errors.New("is longer than 1 KiB")
	case !utf8.ValidString(secret) || strings.ContainsFunc(secret, unicode.IsControl):
		return errors.New("is not text without control characters")
	}
	return nil
}

// Secrets are those that were sent in one call. They are kept out of text that the
// service controls: a response, or an error that quotes one.
type Secrets []string

// Text returns the beginning of text, at most limit bytes, in a form that is safe
// for a terminal. It returns [Withheld] if the text contains a secret.
func (s Secrets) Text(text string, limit int) string {
	if s.foundIn(text) {
		return Withheld
	}
	return Clip(Printable(text[:min(len(text), maxText)]), limit)
}

// Error returns err if its text is safe to show. If the text contains a secret, it
// returns the result of [Withhold]. If the text is only too long or not printable, it
// returns an error that wraps err and shows the text as [Secrets.Text] does.
func (s Secrets) Error(err error) error {
	text := err.Error()
	if s.foundIn(text) {
		return Withhold(err)
	}
	if safe := Clip(Printable(text), maxError); safe != text {
		return clippedError{err, safe}
	}
	return err
}

type clippedError struct {
	error
	text string
}

func (e clippedError) Error() string { return e.text }
func (e clippedError) Unwrap() error { return e.error }

// Withhold returns an error that matches what err matches, but hides its text and its
// causes.
func Withhold(err error) error {
	return withheldError{func(target error) bool { return errors.Is(err, target) }}
}

// A withheldError has no field with the error: the verb %#v would print it.
type withheldError struct{ is func(error) bool }

func (e withheldError) Error() string        { return Withheld }
func (e withheldError) Is(target error) bool { return e.is(target) }

// enough is how many letters and digits of a secret are searched for without the rest of
// its characters. Fewer of them are in other texts by chance.
const enough = 6

// foundIn reports whether text contains a secret, escaped or not and in any case, or ends
// with the beginning of one.
func (s Secrets) foundIn(text string) bool {
	if len(s) == 0 {
		return false
	}
	text = strings.ToValidUTF8(text[:min(len(text), maxText)], "")
	return slices.ContainsFunc(readings(text), func(reading string) bool {
		letters := lettersAndDigits(reading)
		return slices.ContainsFunc(s, func(secret string) bool {
			wanted := lettersAndDigits(secret)
			if utf8.RuneCountInString(wanted) < enough {
				return secret != "" && strings.Contains(fold(reading), fold(secret))
			}
			return strings.Contains(letters, wanted) || endsWithBeginning(letters, wanted)
		})
	})
}

// lettersAndDigits returns what escaping, quoting and line breaks leave alone of a text.
func lettersAndDigits(text string) string {
	return strings.Map(func(char rune) rune {
		if unicode.IsLetter(char) || unicode.IsDigit(char) {
			return char
		}
		return -1
	}, strings.ToLower(text))
}

// fold maps upper case to lower case, and the plus signs of forms to spaces.
func fold(text string) string {
	return strings.ReplaceAll(strings.ToLower(text), "+", " ")
}

// endsWithBeginning reports whether text ends with the beginning of a secret, as it does
// if it was cut off.
func endsWithBeginning(text, secret string) bool {
	length := 0
	for i := range secret { // at the beginning of each character
		if beginning := secret[:i]; length >= enough && strings.HasSuffix(text, beginning) {
			return true
		}
		length++
	}
	return false
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
