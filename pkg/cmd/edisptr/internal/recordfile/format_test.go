package recordfile

import (
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf16"
)

func inUTF16(text string, bigEndian bool) string {
	var content strings.Builder
	for _, unit := range utf16.Encode([]rune(text)) {
		if bigEndian {
			content.WriteByte(byte(unit >> 8))
		}
		content.WriteByte(byte(unit))
		if !bigEndian {
			content.WriteByte(byte(unit >> 8))
		}
	}
	return content.String()
}

// A file in a format that is not supported is one error that names the format.
func TestOtherFormatsAreNamed(t *testing.T) {
	t.Parallel()
	const octoDNS, csv, hosts, wide = "looks like an octoDNS file; write one line", "looks like a CSV file; write one line", "looks like a hosts file; write one line", "is in UTF-16; save it as UTF-8"
	for content, want := range map[string]string{
		"---\n? ''\n: type: NS\n  values: [a.]\n'10':\n  type: PTR\n  ttl: 60\n  value: mail.example.com.\n": octoDNS,
		"'10':\n  - type: PTR\n    values:\n    - a.example.\n":                                              octoDNS,
		"10:\n  ttl: 60\n  type: PTR\n  value: a.\n":                                                         octoDNS,
		`{"10": {"ttl": 60, "type": "PTR", "value": "a."}}`:                                                  octoDNS,
		"192.0.2.10,mail.example.com\n192.0.2.11,a.example\n":                                                csv,
		"\"IP\",\"Name\"\r\n\"192.0.2.10\",\"mail.example.com\"\r\n":                                         csv,
		"name;ip\nmail.example.com;2001:db8::1\n":                                                            csv,
		"# hosts\n192.0.2.10 mail.example.com mx\n":                                                          hosts,
		"127.0.0.1\tlocalhost\n::1 localhost\n192.0.2.10\tmail.example.com\n":                                hosts,
		"192.0.2.10 mx ns a # aliases that are record types\n":                                               hosts,
		"\xff\xfe" + inUTF16("192.0.2.10: a.example\n", false):                                               wide,
		"\xfe\xff" + inUTF16("192.0.2.10: a.example\n", true):                                                wide,
		inUTF16(origin4, false):                                                                              wide,
		inUTF16(origin4, true):                                                                               wide,
		"\xff\xfe":                                                                                           wide,
		"192.0.2.10: b\xfccher.example\n":                                                                    "is not in UTF-8; save it as UTF-8",
		"PK\x03\x04\x00\x00":                                                                                 "is not a text file; it contains NUL bytes",
		origin4 + "10 PTR a.example.\x00\n":                                                                  "is not a text file; it contains NUL bytes",
		"192.0.2.10 = mail.example.com\n":                                                                    hosts,
		"mail.example.com -> 192.0.2.10\nb -> c":                                                             "not a map of IP addresses to host names; write one line",
	} {
		_, err := read(content, Options{})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("Read(%q) = %v, want one error with %q", content, err, want)
		}
	}
}

// What looks like another format at first sight is read all the same.
func TestFormatsAreNotConfused(t *testing.T) {
	t.Parallel()
	one := flat{"192.0.2.10": "mail.example.com"}
	for _, content := range []string{
		"192.0.2.10: mail.example.com # 192.0.2.11,a IN PTR b\n",
		"@ SOA a.example. b.example. 1 2 3 4 5\n" + origin4 + "10 PTR mail.example.com.\n",
		"ns A 192.0.2.1\n" + origin4 + "10 PTR mail.example.com.\n",
		"   \n\n10.2.0.192.in-addr.arpa. 3600 PTR mail.example.com.\n",
		"10.2.0.192.in-addr.arpa. 3600 IN TYPE12 \\# 18 046d61696c076578616d706c6503636f6d00\n",
		"10.2.0.192.in-addr.arpa.\t(\n3600 PTR mail.example.com. )\n@ NS a.\n",
	} {
		wantRecords(t, content, one)
	}
	for _, id := range []string{"mx", "type", "servers", "records", "10", "PTR"} {
		content := id + ": {192.0.2.10: mail.example.com}\n"
		set, err := read(content, Options{})
		if err != nil || set.Records[id] == nil {
			t.Errorf("Read(%q) = %v, %v, want a record of %s", content, set, err, id)
		}
	}
}

// Nothing in a file can control a terminal through an error or a note.
func TestErrorsArePrintable(t *testing.T) {
	t.Parallel()
	for _, char := range []string{"\x1b", "\a", "\u202e", "\u0085", "\x7f"} {
		for _, content := range []string{
			"192.0.2.1: \"a" + char + "\n",
			"192.0.2.1: a" + char + "\n",
			"a" + char + "b: {192.0.2.1: a.b}\n",
			"!<" + char + "> 192.0.2.1: *" + char + "\n",
			"192.0.2.1: !" + char + " a\n",
			"%TAG ! " + char + "\n---\na: b\n",
			`{"192.0.2.1": "` + char + `"`,
			`{"192.0.2.1": "\u001b"}`,
			origin4 + "1 PTR a" + char + "b.\n",
			origin4 + char + " PTR a.b.\n",
			origin4 + "1 PTR a.b.\nx" + char + " PTR a.b.\n",
			origin4 + "1 " + char + " a.b.\n",
			origin4 + "1 PTR a.b. " + char + "\n",
			"$" + char + "\n1 PTR a.\n",
		} {
			set, err := Read(t.Context(), []Source{textSource("f"+char, content)}, Options{})
			var text string
			if err != nil {
				text = err.Error()
			} else { // a type that is not known, or a name that is not of an address
				text = strings.Join(set.Notes, "\n")
			}
			if text == "" || strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) {
				t.Errorf("Read(%q) prints %q, want printable text", content, text)
			}
		}
	}
}

// The fields of an error are for programs, which print them in their own way.
func TestErrorFields(t *testing.T) {
	t.Parallel()
	_, err := read("192.0.2.1: a.b\n192.0.2.2: a_b.example\n", Options{})
	var got *Error
	if !errors.As(err, &got) || got.File != "f" || got.Line != 2 || got.Column != 1 || got.Key != "192.0.2.2" || got.Value != "a_b.example" || got.Reason == "" {
		t.Errorf("Read = %#v, want the fields of an error", got)
	}
}
