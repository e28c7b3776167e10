package recordfile

import (
	"bytes"
	"net/netip"
	"strings"
	"unicode/utf8"

	"github.com/miekg/dns"
)

// readContent reads a file in whatever format it has.
func (c *collector) readContent(content []byte) {
	content = bytes.TrimPrefix(content, []byte("\ufeff"))
	lines := firstLines(content)
	switch {
	case bytes.HasPrefix(content, []byte("\xff\xfe")), bytes.HasPrefix(content, []byte("\xfe\xff")), isUTF16(content):
		c.failOnly(c.at(0, 0), "is in UTF-16; save it as UTF-8")
	case bytes.IndexByte(content, 0) >= 0:
		c.failOnly(c.at(0, 0), "is not a text file; it contains NUL bytes")
	case anyLine(lines, isZoneLine):
		c.readZone(string(content))
	case !utf8.Valid(content):
		c.failOnly(c.at(0, 0), "is not in UTF-8; save it as UTF-8")
	case anyLine(lines, isCSVLine):
		c.failOnly(c.at(0, 0), "looks like a CSV file; "+mapForm)
	case anyLine(lines, isHostsLine):
		c.failOnly(c.at(0, 0), "looks like a hosts file; "+mapForm)
	default:
		c.readMap(content)
	}
}

// mapForm says what to do with a file in another format.
const mapForm = "write one line for each address, such as 192.0.2.10: mail.example.com"

// isUTF16 reports whether every other one of the first bytes is NUL, as in Latin text in
// UTF-16 without a byte order mark.
func isUTF16(content []byte) bool {
	if len(content) < 4 {
		return false
	}
	little := content[1] == 0 && content[3] == 0 && content[0] != 0 && content[2] != 0
	big := content[0] == 0 && content[2] == 0 && content[1] != 0 && content[3] != 0
	return little || big
}

// firstLines returns the first lines that are not empty, nor comments that begin with #.
func firstLines(content []byte) (lines []string) {
	const enough, longest = 20, 1000
	for line := range bytes.Lines(content) {
		text := string(bytes.TrimRight(line[:min(len(line), longest)], " \t\r\n"))
		if trimmed := strings.TrimSpace(text); trimmed != "" && trimmed[0] != '#' {
			lines = append(lines, text)
		}
		if len(lines) == enough {
			break
		}
	}
	return lines
}

func anyLine(lines []string, matches func(string) bool) bool {
	for _, line := range lines {
		if matches(line) {
			return true
		}
		if strings.HasSuffix(line, ":") || strings.Contains(line, ": ") && !strings.HasPrefix(line, ";") {
			return false // YAML or JSON, whatever its values look like
		}
	}
	return false
}

// isZoneLine reports whether a line is of a zone file: a comment, a directive, or a record
// of a known type.
func isZoneLine(line string) bool {
	text := strings.TrimSpace(line)
	if text[0] == ';' || text[0] == '$' || text == "@" || strings.HasPrefix(text, "@ ") || strings.HasPrefix(text, "@\t") {
		return true
	}
	text, _, _ = strings.Cut(text, ";")
	fields := strings.Fields(text)
	if line[0] != ' ' && line[0] != '\t' {
		if strings.HasSuffix(fields[0], ":") {
			return false // a key of YAML
		}
		fields = fields[1:]
	}
	typeField, _ := splitRecord(fields)
	if typeField == "" {
		return false
	}
	recordType, known := typeOf(typeField)
	return known && (recordType == dns.TypePTR || !isHostsLine(line)) // "mx" may be an alias of a host
}

// isCSVLine reports whether a line has an address among values that are separated by commas
// or semicolons.
func isCSVLine(line string) bool {
	if strings.ContainsAny(line[:1], "{[") {
		return false // JSON
	}
	values := strings.FieldsFunc(line, func(char rune) bool { return char == ',' || char == ';' })
	for _, value := range values {
		if len(values) > 1 && isAddress(strings.Trim(value, " \t\"'")) {
			return true
		}
	}
	return false
}

func isHostsLine(line string) bool {
	fields := strings.Fields(line)
	return len(fields) > 1 && isAddress(fields[0]) && !strings.Contains(fields[0], "%") // "fe80::1%eth0:" is a key of YAML
}

func isAddress(text string) bool {
	_, err := netip.ParseAddr(text)
	return err == nil
}
