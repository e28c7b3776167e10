package redact

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

const signature = `s3cr3t+signature/with=&%and"quotes"\é` + "\U0001F511"

// A secret is found in any escaping that a service or net/http may use, even if it is
// escaped twice, in another case, or next to other text.
func TestWithheld(t *testing.T) {
	t.Parallel()
	jsonText := strconv.QuoteToASCII(signature)
	eachByte := func(format string) func(string) string {
		return func(s string) string {
			var escaped []byte
			for _, char := range []byte(s) {
				escaped = fmt.Appendf(escaped, format, char)
			}
			return string(escaped)
		}
	}
	escapes := map[string]func(string) string{
		"none":            func(s string) string { return s },
		"form":            url.QueryEscape,
		"path":            url.PathEscape,
		"lower case form": func(s string) string { return strings.ToLower(url.QueryEscape(s)) },
		"Go":              func(s string) string { return fmt.Sprintf("%q", s) },
		"ASCII":           strconv.QuoteToASCII,
		"JSON":            func(string) string { return strings.Replace(jsonText, `\U0001f511`, `\ud83d\udd11`, 1) },
		"HTML":            html.EscapeString,
		"HTML with names": func(s string) string { return strings.ReplaceAll(html.EscapeString(s), "&#34;", "&quot;") },
		"upper case":      strings.ToUpper,
		"octal":           eachByte(`\%03o`), // as addcslashes of PHP
		"hexadecimal":     eachByte(`\x%02x`),
	}
	for outer, escape := range escapes {
		for inner, escapeFirst := range escapes {
			for _, around := range [][2]string{{"", ""}, {"signature=", "&a"}, {"\xff\xfe", "\xff"}, {strings.Repeat("%20 ", 100), ""}} {
				text := around[0] + escape(escapeFirst(signature)) + around[1]
				if got := (Secrets{"other", signature}).Text(text, 2048); got != Withheld {
					t.Errorf("%s in %s: Text(%q, 2048) = %q, want %q", inner, outer, text, got, Withheld)
				}
			}
		}
	}
}

// A text that ends within a secret, or within an escape in it, is withheld too if it
// shows more than a few bytes of the secret.
func TestWithheldWhenCutOff(t *testing.T) {
	t.Parallel()
	var inJSON, inPHP, inHTML string // every character escaped
	for _, char := range signature {
		inJSON, inPHP, inHTML = inJSON+fmt.Sprintf(`\u%04x`, char), inPHP+fmt.Sprintf(`\u{%x}`, char), inHTML+fmt.Sprintf("&#%d;", char)
	}
	for escaped, enough := range map[string]int{
		signature: 8, url.QueryEscape(signature): 8, strconv.QuoteToASCII(signature): 8, html.EscapeString(signature): 8,
		inJSON: 8 * len(`\u0000`), inPHP: 8 * len(`\u{00}`), inHTML: 8 * len("&#000;"), url.QueryEscape(inJSON): 8 * len("%5Cu0000"),
	} {
		for cut := enough; cut < len(escaped); cut++ {
			text := "it was: " + escaped[:cut]
			if got := (Secrets{signature}).Text(text, 2048); got != Withheld {
				t.Errorf("Text(%q, 2048) = %q, want %q", text, got, Withheld)
			}
		}
	}
	// The bytes that are searched for end within a character.
	if got := (Secrets{"s3cr3äöü"}).Text("it was: s3cr3äöü", 100); got != Withheld {
		t.Errorf("Text of a secret that is not ASCII = %q, want %q", got, Withheld)
	}
	// The part that is searched ends within the secret.
	if got := (Secrets{signature}).Text(strings.Repeat("x", maxText-8)+signature, 100); got != Withheld {
		t.Errorf("Text(maxText-8 bytes and the secret, 100) = %q, want %q", got, Withheld)
	}
	// The secret begins in the part that is shown and ends in the part that is searched.
	if got := (Secrets{strings.Repeat("é", maxSecret/2)}).Text(strings.Repeat("x", 500)+strings.Repeat(`\\u00e9`, maxSecret/2), 512); got != Withheld {
		t.Errorf("Text(500 bytes and the longest secret, 512) = %q, want %q", got, Withheld)
	}
}

// A secret may itself look like an escape. It is compared as it is if it has few letters
// and digits.
func TestWithheldThoughItLooksLikeAnEscape(t *testing.T) {
	t.Parallel()
	phpQuotes := strings.NewReplacer(`\`, `\\`, `'`, `\'`, `"`, `\"`)
	escapes := map[string]func(string) string{
		"none":    func(s string) string { return s },
		"percent": url.QueryEscape,
		"JSON":    func(s string) string { text, _ := json.Marshal(s); return string(text) },
		"Go":      strconv.QuoteToASCII,
		"HTML":    html.EscapeString,
		"PHP":     phpQuotes.Replace,
	}
	for _, secret := range []string{`pa\ss"w`, `50%ab/`, `gr<%c3>n`, `it's%80`, `%41%42%43%44%45%46`, `a\u0062cdefgh`, `a&amp;b`, `x\`, `ab\ncdef1`, "a"} {
		for outer, escape := range escapes {
			for inner, escapeFirst := range escapes {
				text := "it was <" + escape(escapeFirst(secret)) + ">"
				if got := (Secrets{secret}).Text(text, 2048); got != Withheld {
					t.Errorf("%s in %s: Secrets{%q}.Text(%q, 2048) = %q, want %q", inner, outer, secret, text, got, Withheld)
				}
			}
		}
	}
}

// A text without a secret is shown unchanged, except that it is printable and within
// the limit.
func TestShown(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`a\"b %41 &amp; 100%`,
		"invalid e-mail address or password", // begins like a secret
		"the word invalid-2025 is not the one",
		"s3c",
		"it was: s3cr3",
		"kvm_123456_789012 is suspended",
		"",
	} {
		secrets := Secrets{signature, "passwort", "invalid-2026", `x\`, "e@example.com"}
		if got := secrets.Text(text, 2048); got != text {
			t.Errorf("Text(%q, 2048) = %q, want it unchanged", text, got)
		}
	}
	control := "a\x1b[2J\u202eb\xff\n"
	if got, want := (Secrets{"secret"}).Text(control, 2048), "a [2J b? "; got != want {
		t.Errorf("Text(%q, 2048) = %q, want %q", control, got, want)
	}
	long := strings.Repeat("é", 100)
	if got, want := (Secrets{}).Text(long, 10), "ééé..."; got != want {
		t.Errorf("Text(%q, 10) = %q, want %q", long, got, want)
	}
}

// An error without a secret is returned unchanged. One with a secret loses its text and
// can no longer be unwrapped, but errors.Is still works.
func TestError(t *testing.T) {
	t.Parallel()
	harmless := fmt.Errorf("read: %w", io.ErrUnexpectedEOF)
	if got := (Secrets{"secret"}).Error(harmless); got != harmless { //nolint:errorlint // must be the same error
		t.Errorf("Error(%v) = %v, want it unchanged", harmless, got)
	}
	leaking := fmt.Errorf("%%73ecret: %w", io.ErrUnexpectedEOF)
	got := (Secrets{"secret"}).Error(leaking)
	if got.Error() != Withheld || !errors.Is(got, io.ErrUnexpectedEOF) || errors.Unwrap(got) != nil {
		t.Errorf("Error(%v) = %#v, want %q that matches io.ErrUnexpectedEOF", leaking, got, Withheld)
	}
	got = Secrets{"secret"}.Error(textproto.ProtocolError("%73ecret")) // no pointer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d"} {
		if text := fmt.Sprintf(verb, got); strings.Contains(text, "73ecret") {
			t.Errorf("Error of a ProtocolError is printed as %s, want nothing of its text", text)
		}
	}
}

func TestCheckSecret(t *testing.T) {
	t.Parallel()
	for secret, valid := range map[string]bool{
		"a": true, strings.Repeat("a", maxSecret): true, strings.Repeat("a", maxSecret+1): false,
		"": false, "a\nb": false, "a\xffb": false, "a\u0085b": false, "p ä+&=%": true,
	} {
		if err := CheckSecret(secret); (err == nil) != valid {
			t.Errorf("CheckSecret(%.20q) = %v, want valid = %v", secret, err, valid)
		}
	}
}

// The search of a hostile response takes linear time.
func TestSearchIsFast(t *testing.T) {
	t.Parallel()
	secret := strings.Repeat("é+", maxSecret/3)
	for _, text := range []string{
		strings.Repeat("%25", 1<<20), "%" + strings.Repeat("25", 1<<20), strings.Repeat("é+", 1<<20), strings.Repeat("&#38;", 1<<20), strings.Repeat(`\u005c`, 1<<20), strings.Repeat("a", 16<<20),
	} {
		started := time.Now()
		_ = Secrets{secret, "a"}.Text(text, 2048)
		if took := time.Since(started); took > 2*time.Second { // usually a few milliseconds
			t.Errorf("Text(%.10q..., 2048) took %v, want at most 2s", text, took)
		}
	}
}

// A space has two encodings in forms, besides itself.
func TestBlanks(t *testing.T) {
	t.Parallel()
	const secret = "my pass+word"
	for _, text := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret), "my+pass%2Bword", "my%20pass%2bword"} {
		if got := (Secrets{secret}).Text(text, 100); got != Withheld {
			t.Errorf("Text(%q) = %q, want %q", text, got, Withheld)
		}
	}
}
