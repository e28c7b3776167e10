package recordfile

import "strings"

// An entry is a directive or a record of a zone file (RFC 1035, section 5.1), without
// comments, parentheses and line ends.
type entry struct {
	line     int  // of its first field
	inherits bool // begins with white space: it has the owner of the record before
	fields   []string
}

// zoneScanner splits a zone file into entries. The parser of package dns cannot: it joins
// fields around parentheses, and lets a quoted string go on in the next lines.
type zoneScanner struct {
	content string
	next    int // index of the next byte
	line    int
	problem string // why scanning ended early
}

// entry returns the next entry, or false at the end of the file or after a problem.
func (s *zoneScanner) entry() (entry, bool) {
	for s.problem == "" && s.next < len(s.content) {
		if e := s.scan(); len(e.fields) > 0 {
			return e, s.problem == ""
		}
	}
	return entry{}, false
}

// scan scans a line, and the next ones while parentheses are open.
func (s *zoneScanner) scan() entry {
	e := entry{inherits: strings.IndexByte(" \t", s.content[s.next]) >= 0}
	depth, openedAt := 0, s.line
	for s.next < len(s.content) && s.problem == "" {
		switch s.content[s.next] {
		case '\n', '\r':
			s.endLine()
			if depth == 0 {
				return e
			}
		case ' ', '\t':
			s.next++
		case ';':
			s.skipComment()
		case '(':
			if depth++; depth == 1 {
				openedAt = s.line
			}
			s.next++
		case ')':
			if depth--; depth < 0 {
				s.problem = "closing parenthesis without an opening one"
			}
			s.next++
		default:
			if len(e.fields) == 0 {
				e.line = s.line
			}
			e.fields = append(e.fields, s.field())
		}
	}
	if depth > 0 && s.problem == "" {
		s.line, s.problem = openedAt, "opening parenthesis without a closing one"
	}
	return e
}

// endLine skips a line end: LF, CR LF, or CR as BIND reads it.
func (s *zoneScanner) endLine() {
	if strings.HasPrefix(s.content[s.next:], "\r\n") {
		s.next++
	}
	s.next++
	s.line++
}

func (s *zoneScanner) skipComment() {
	s.next += indexOrEnd(s.content[s.next:], "\r\n")
}

// field scans a field. It may contain quoted strings, and special characters after a
// backslash.
func (s *zoneScanner) field() string {
	start := s.next
	for s.next < len(s.content) && s.problem == "" {
		s.next += indexOrEnd(s.content[s.next:], " \t\r\n;()\"\\")
		switch {
		case s.next == len(s.content):
		case s.content[s.next] == '"':
			s.quoted()
		case s.content[s.next] == '\\':
			s.escape()
		default:
			return s.content[start:s.next]
		}
	}
	return s.content[start:s.next]
}

// quoted scans a quoted string. BIND, too, wants it to end in its line: otherwise a
// missing quotation mark would hide records.
func (s *zoneScanner) quoted() {
	s.next++
	for s.next < len(s.content) {
		s.next += indexOrEnd(s.content[s.next:], "\"\\\r\n")
		switch {
		case s.next == len(s.content) || s.content[s.next] == '\n' || s.content[s.next] == '\r':
			s.problem = "quotation mark without a second one in its line"
			return
		case s.content[s.next] == '"':
			s.next++
			return
		default:
			s.escape()
		}
	}
	s.problem = "quotation mark without a second one in its line"
}

// escape skips a backslash and what it escapes. It does not escape a line end.
func (s *zoneScanner) escape() {
	s.next++
	if s.next < len(s.content) && s.content[s.next] != '\n' && s.content[s.next] != '\r' {
		s.next++
	}
}

// indexOrEnd returns the index of the first of some characters in text, or its length.
func indexOrEnd(text, chars string) int {
	if i := strings.IndexAny(text, chars); i >= 0 {
		return i
	}
	return len(text)
}
