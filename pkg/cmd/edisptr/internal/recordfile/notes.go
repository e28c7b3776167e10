package recordfile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/edisptr/edis-go/pkg/internal/redact"
)

// noteKind is what a note names, in the singular, and what happened to it.
type noteKind struct{ noun, what string }

var (
	noteNotAnAddress = noteKind{"PTR record", "skipped, not of an address"}
	noteNoTarget     = noteKind{"CNAME record", "skipped, of an alias whose PTR record is in no file"}
	noteUnknownType  = noteKind{"record", "skipped, of an unknown type"}
	noteClass        = noteKind{"PTR record", "skipped, not of the Internet class"}
	noteInferred     = noteKind{"PTR record", "read by the name of an RFC 2317 zone, because no file has the parent zone"}
	noteFailedList   = noteKind{"server", "skipped, because it could not be listed when the file was written"}
)

// note counts what has one kind, and names the first ones.
type note struct {
	kind  noteKind
	count int
	names []string
}

// maxNamed is how many names a note has.
const maxNamed = 10

// note adds a name to the note of its kind.
func (c *collector) note(kind noteKind, at position, name string) {
	i := slices.IndexFunc(c.notes, func(n note) bool { return n.kind == kind })
	if i < 0 {
		i = len(c.notes)
		c.notes = append(c.notes, note{kind: kind})
	}
	c.notes[i].count++
	if len(c.notes[i].names) < maxNamed {
		text := redact.Printable(redact.Clip(name, maxQuoted))
		c.notes[i].names = append(c.notes[i].names, fmt.Sprintf("%s (%s)", text, redact.Printable(c.place(at))))
	}
}

func (c *collector) noteLines() (lines []string) {
	for _, n := range c.notes {
		noun := n.kind.noun
		if n.count > 1 {
			noun += "s"
		}
		line := fmt.Sprintf("%d %s %s: %s", n.count, noun, n.kind.what, strings.Join(n.names, ", "))
		if more := n.count - len(n.names); more > 0 {
			line += fmt.Sprintf(" and %d more", more)
		}
		lines = append(lines, line)
	}
	return lines
}
