package redact

import (
	"errors"
	"fmt"
	"html"
	"io"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

const signature = `s3cr3t+signature/with=&%and"quotes"\é` + "\U0001F511"

// A secret is found in any escape that a service or net/http may use, in two layers
// of them, in another case, and next to anything.
func TestWithheld(t *testing.T) {
	t.Parallel()
	jsonText := strconv.QuoteToASCII(signature)
	escapes := map[string]func(string) string{
		"none":        func(s string) string { return s },
		"form":        url.QueryEscape,
		"path":        url.PathEscape,
		"lower form":  func(s string) string { return strings.ToLower(url.QueryEscape(s)) },
		"Go":          func(s string) string { return fmt.Sprintf("%q", s) },
		"ASCII":       strconv.QuoteToASCII,
		"JSON":        func(string) string { return strings.Replace(jsonText, `\U0001f511`, `\ud83d\udd11`, 1) },
		"HTML":        html.EscapeString,
		"HTML, named": func(s string) string { return strings.ReplaceAll(html.EscapeString(s), "&#34;", "&quot;") },
		"upper case":  strings.ToUpper,
	}
	for outer, escape := range escapes {
		for inner, escapeFirst := range escapes {
			for _, around := range [][2]string{{"", ""}, {"signature=", "&a"}, {"\xff\xfe", "\xff"}, {strings.Repeat("%20 ", 100), ""}} {
				text := around[0] + escape(escapeFirst(signature)) + around[1]
				if got := (Secrets{"other", signature}).Text(text, 2048); got != Withheld {
					t.Errorf("%s in %s: Text(%q) = %q", inner, outer, text, got)
				}
			}
		}
	}
}

// What is cut off within a secret, or within an escape in it, is withheld too, once
// it says something of the secret.
func TestWithheldWhenCutOff(t *testing.T) {
	t.Parallel()
	for _, escaped := range []string{signature, url.QueryEscape(signature), strconv.QuoteToASCII(signature), html.EscapeString(signature)} {
		for cut := 14; cut < len(escaped); cut++ {
			if got := (Secrets{signature}).Text("it was: "+escaped[:cut], 2048); got != Withheld {
				t.Errorf("Text(%q) = %q", escaped[:cut], got)
			}
		}
	}
	// The end of what is searched is within the secret.
	if got := (Secrets{signature}).Text(strings.Repeat("x", maxText-8)+signature, 100); got != Withheld {
		t.Errorf("Text = %q", got)
	}
	// A secret that begins in what is shown is within what is searched.
	if got := (Secrets{strings.Repeat("é", maxSecret/2)}).Text(strings.Repeat("x", 500)+strings.Repeat(`\\u00e9`, maxSecret/2), 512); got != Withheld {
		t.Errorf("Text = %q", got)
	}
}

// A text without a secret stays as it is: nothing is cut out of it.
func TestShown(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`a\"b %41 &amp; 100%`,
		"wrong e-mail address or pass word",
		"s3c",
		"kvm_123456_789012 is suspended",
		"",
	} {
		secrets := Secrets{signature, "password", `x\`, "e@example.com"}
		if got := secrets.Text(text, 2048); got != text {
			t.Errorf("Text(%q) = %q", text, got)
		}
	}
	if got, want := (Secrets{"secret"}).Text("a\x1b[2J\u202eb\xff\n", 2048), "a [2J b? "; got != want {
		t.Errorf("Text = %q, want %q", got, want)
	}
	if got, want := (Secrets{}).Text(strings.Repeat("é", 100), 10), "ééé..."; got != want {
		t.Errorf("Text = %q, want %q", got, want)
	}
}

// An error keeps its causes, unless its text holds a secret.
func TestError(t *testing.T) {
	t.Parallel()
	harmless := fmt.Errorf("read: %w", io.ErrUnexpectedEOF)
	if got := (Secrets{"secret"}).Error(harmless); got != harmless { //nolint:errorlint // the very same
		t.Errorf("Error(%v) = %v", harmless, got)
	}
	telling := fmt.Errorf("%%73ecret: %w", io.ErrUnexpectedEOF)
	got := (Secrets{"secret"}).Error(telling)
	if got.Error() != Withheld || !errors.Is(got, io.ErrUnexpectedEOF) || errors.Unwrap(got) != nil {
		t.Errorf("Error(%v) = %#v", telling, got)
	}
}

func TestCheckSecret(t *testing.T) {
	t.Parallel()
	for secret, valid := range map[string]bool{
		"a": true, strings.Repeat("a", maxSecret): true, strings.Repeat("a", maxSecret+1): false,
		"": false, "a\nb": false, "a\xffb": false, "a\u0085b": false, "p ä+&=%": true,
	} {
		if err := CheckSecret(secret); (err == nil) != valid {
			t.Errorf("CheckSecret(%.20q) = %v", secret, err)
		}
	}
}

// Whatever a hostile response is made of, searching takes time in proportion.
func TestSearchIsQuick(t *testing.T) {
	t.Parallel()
	secret := strings.Repeat("é+", maxSecret/3)
	for _, text := range []string{
		strings.Repeat("%25", 1<<20), "%" + strings.Repeat("25", 1<<20), strings.Repeat("é+", 1<<20), strings.Repeat("&#38;", 1<<20), strings.Repeat(`\u005c`, 1<<20), strings.Repeat("a", 16<<20),
	} {
		started := time.Now()
		_ = Secrets{secret, "a"}.Text(text, 2048)
		if took := time.Since(started); took > 2*time.Second { // it takes some milliseconds
			t.Errorf("took %v for %.10q...", took, text)
		}
	}
}
