package edis

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"html"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// redacted stands where a secret was.
const redacted = "[redacted]"

// redactor replaces the secrets of one call in texts that came from outside: an
// answer, or an error that quotes one.
type redactor []string

// text returns s without secrets and control characters, at most limit bytes
// long: it may be shown on a terminal.
func (r redactor) text(s string, limit int) string {
	return clip(strings.Map(printable, r.replace(s, limit)), limit)
}

// bytes returns the beginning of raw without secrets.
func (r redactor) bytes(raw []byte, limit int) []byte {
	return []byte(clip(r.replace(string(raw), limit), limit))
}

// replace returns s without secrets, and not more than its first limit bytes.
func (r redactor) replace(s string, limit int) string {
	// A secret that begins before the limit ends within the window, even if each
	// of its bytes takes the longest form, such as "%2525252B" or "\\\u002b".
	const longestForm = 16
	window := limit
	for _, secret := range r {
		window += longestForm * len(secret)
	}
	beginning := s[:min(len(s), window)]
	plain := unescape(beginning)
	hidden := make([]bool, len(beginning))
	for _, secret := range r {
		plain.mark(hidden, unescape(secret).text)
	}
	var text strings.Builder
	for i := range min(len(s), limit) {
		switch {
		case !hidden[i]:
			text.WriteByte(s[i])
		case i == 0 || !hidden[i-1]:
			text.WriteString(redacted)
		}
	}
	if len(s) > limit {
		text.WriteString(ellipsis)
	}
	return text.String()
}

// unescaped is a text with all escapes undone, in lower case. Byte i of it
// stands at from[i] to to[i] of the original.
type unescaped struct {
	text     []byte
	from, to []int
}

// mark sets hidden for each byte of the original that is part of secret.
func (u *unescaped) mark(hidden []bool, secret []byte) {
	if len(secret) == 0 {
		return
	}
	for start := 0; ; {
		found := bytes.Index(u.text[start:], secret)
		if found < 0 {
			return
		}
		start += found
		for i := u.from[start]; i < u.to[start+len(secret)-1]; i++ {
			hidden[i] = true
		}
		start++
	}
}

// unescape undoes the escapes in which a secret can come back: of URLs, forms,
// JSON, Go and HTML, in either case and one inside the other. It makes no
// difference between texts that escape to the same; so it finds a secret that
// looks escaped itself.
func unescape(s string) *unescaped {
	u := &unescaped{text: []byte(s), from: make([]int, len(s)), to: make([]int, len(s))}
	for i := range len(s) {
		u.from[i], u.to[i] = i, i+1
	}
	const layers = 8 // that nobody needs; but "%25252525..." must not take long
	for range layers {
		if !u.unescapeOnce() {
			break
		}
	}
	for i, c := range u.text {
		if c == '+' {
			c = ' '
		}
		u.text[i] = lower(c)
	}
	return u
}

// unescapeOnce undoes the outer layer of escapes, in place, and tells whether
// there was one.
func (u *unescaped) unescapeOnce() (changed bool) {
	kept := 0
	for i := 0; i < len(u.text); {
		plain, length := escape(u.text[i:])
		from, to := u.from[i], u.to[i+length-1]
		changed = changed || length != len(plain)
		// An escape is never shorter than what it stands for, so this does not
		// overtake i.
		for _, c := range plain {
			u.text[kept], u.from[kept], u.to[kept] = c, from, to
			kept++
		}
		i += length
	}
	u.text, u.from, u.to = u.text[:kept], u.from[:kept], u.to[:kept]
	return changed
}

// escape reads one character or escape at the beginning of s. It returns what
// that stands for and how long it is.
func escape(s []byte) (plain []byte, length int) {
	switch s[0] {
	case '%':
		if octet := hexAt(s, 1, 1); octet != nil {
			return octet, 3
		}
	case '&':
		if end := bytes.IndexByte(s[:min(len(s), 12)], ';'); end > 0 {
			entity := string(s[:end+1])
			if plain := html.UnescapeString(entity); plain != entity {
				return []byte(plain), end + 1
			}
		}
	case '\\':
		return backslashEscape(s)
	}
	return s[:1], 1
}

// backslashEscape reads an escape of JSON or Go. What is no number stands for
// the character that follows.
func backslashEscape(s []byte) (plain []byte, length int) {
	if octet := hexAt(s, 2, 1); octet != nil && lower(s[1]) == 'x' {
		return octet, 4
	}
	unit := hexAt(s, 2, 2)
	if unit == nil || lower(s[1]) != 'u' {
		return nil, 1
	}
	char := rune(binary.BigEndian.Uint16(unit))
	if low := hexAt(s, 8, 2); low != nil && utf16.IsSurrogate(char) {
		return utf8.AppendRune(nil, utf16.DecodeRune(char, rune(binary.BigEndian.Uint16(low)))), 12
	}
	return utf8.AppendRune(nil, char), 6
}

// hexAt returns the octets that the digits from start say, or nil.
func hexAt(s []byte, start, octets int) []byte {
	if len(s) < start+2*octets {
		return nil
	}
	decoded, err := hex.DecodeString(string(s[start : start+2*octets]))
	if err != nil {
		return nil
	}
	return decoded
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}

func printable(char rune) rune {
	if unicode.IsPrint(char) {
		return char
	}
	return ' '
}

const ellipsis = "..."

// clip shortens s to at most limit bytes, not inside a character, and says so.
func clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	end := limit - len(ellipsis)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + ellipsis
}
