package redact

import (
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// depth is how many layers of escapes are undone. A text may be escaped for one format
// inside another, such as JSON in a URL in HTML.
const depth = 4

// readings returns text, and everything that it says if escapes in it are undone. Each
// kind is undone without the others, since a secret may contain what looks like an escape
// of another kind. If a reading ends in a part of an escape, it is also returned without
// it: undoing the others would turn that part into letters.
func readings(text string) (all []string) {
	add := func(layer []string, reading string) []string {
		for _, reading := range []string{reading, withoutEscapeAtEnd(reading)} {
			if !slices.Contains(all, reading) {
				all, layer = append(all, reading), append(layer, reading)
			}
		}
		return layer
	}
	layer := add(nil, text)
	for range depth {
		var next []string
		for _, reading := range layer {
			for _, undo := range []func(string) string{undoPercent, undoBackslash, undoHTML} {
				next = add(next, strings.ToValidUTF8(undo(reading), ""))
			}
		}
		layer = next
	}
	return all
}

var (
	percentEscape = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)
	// Those of JSON, Go and PHP. A surrogate pair is undone as a whole.
	backslashEscape = regexp.MustCompile(`\\U[0-9A-Fa-f]{8}|(?:\\[uU][0-9A-Fa-f]{4})+|\\u\{[0-9A-Fa-f]{1,6}\}|\\[xX][0-9A-Fa-f]{2}|\\[0-3][0-7]{2}|\\\\|\\`)
	// What remains of an escape where a text was cut off.
	escapeAtEnd = regexp.MustCompile(`(?:%[0-9A-Fa-f]?|\\(?:[uUxX]?\{?[0-9A-Fa-f]{0,7})|&#?[0-9A-Za-z]{0,8})$`)
)

func undoPercent(text string) string {
	return percentEscape.ReplaceAllStringFunc(text, func(escape string) string {
		plain, _ := url.PathUnescape(escape)
		return plain
	})
}

func undoHTML(text string) string { return html.UnescapeString(text) }

func undoBackslash(text string) string {
	return backslashEscape.ReplaceAllStringFunc(text, func(escape string) (plain string) {
		switch {
		case escape == `\\`:
			plain = `\`
		case escape == `\`: // before a character that stands for itself
		case strings.HasPrefix(escape, `\u{`):
			code, _ := strconv.ParseInt(escape[3:len(escape)-1], 16, 32)
			plain = string(rune(code))
		case len(escape)%len(`\u0000`) == 0: // perhaps a surrogate pair
			_ = json.Unmarshal([]byte(`"`+strings.ReplaceAll(escape, `\U`, `\u`)+`"`), &plain)
		default:
			plain, _ = strconv.Unquote(`"` + strings.ReplaceAll(escape, `\X`, `\x`) + `"`)
		}
		return plain
	})
}

func withoutEscapeAtEnd(text string) string { return escapeAtEnd.ReplaceAllString(text, "") }
