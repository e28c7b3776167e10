// Package render writes the results of edisptr: tables, in color on a terminal, and JSON.
// Whatever a text contains, it cannot control the terminal.
package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/edisptr/edis-go/pkg/internal/redact"
)

// A Document is the result of a command, to be shown in one of several formats.
type Document struct {
	// Table is the header and the rows of a table. Without rows it is not shown.
	Table [][]Cell
	// Lines follow the table, such as a summary.
	Lines []Cell
	// JSON is the value that is encoded as JSON. Default: none.
	JSON any
	// Raw is written as it is, in place of everything else.
	Raw []byte
}

// A Cell is a text in a table, or a line.
type Cell struct {
	Text  string
	Color Color // zero for none
}

// A Color is the parameter of an SGR sequence (ECMA-48, section 8.3.117).
type Color string

// The colors of texts.
const (
	Bold   Color = "1"
	Red    Color = "31"
	Green  Color = "32"
	Yellow Color = "33"
)

// write writes the text in a form that is safe for a terminal.
func (c Cell) write(text *bytes.Buffer, colors bool) {
	if c.Color == "" || !colors {
		text.WriteString(redact.Printable(c.Text))
		return
	}
	text.WriteString("\x1b[" + string(c.Color) + "m" + redact.Printable(c.Text) + "\x1b[0m")
}

// width returns how many characters are shown.
func (c Cell) width() int { return utf8.RuneCountInString(redact.Printable(c.Text)) }

// WriteText writes the document as a table and lines.
func (d Document) WriteText(w io.Writer, colors bool) error {
	if d.Raw != nil {
		_, err := w.Write(d.Raw)
		return err
	}
	var text bytes.Buffer
	if len(d.Table) > 1 {
		writeTable(&text, d.Table, colors)
	}
	for _, line := range d.Lines {
		line.write(&text, colors)
		text.WriteByte('\n')
	}
	_, err := w.Write(text.Bytes())
	return err
}

// writeTable writes rows in aligned columns. The first row is the header.
func writeTable(text *bytes.Buffer, rows [][]Cell, colors bool) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], cell.width())
		}
	}
	for i, row := range rows {
		last := lastText(row)
		for j, cell := range row[:last+1] {
			if i == 0 {
				cell.Color = Bold
			}
			cell.write(text, colors)
			if j < last {
				text.WriteString(strings.Repeat(" ", widths[j]-cell.width()+len("  ")))
			}
		}
		text.WriteByte('\n')
	}
}

// Lines returns texts as lines without a color.
func Lines(texts ...string) []Cell {
	lines := make([]Cell, len(texts))
	for i, text := range texts {
		lines[i].Text = text
	}
	return lines
}

// lastText returns the index of the last cell that has a text, so that no line ends in
// spaces.
func lastText(row []Cell) int {
	last := len(row) - 1
	for last > 0 && row[last].Text == "" {
		last--
	}
	return last
}

// WriteJSON writes the JSON value of the document, if it has one.
func (d Document) WriteJSON(w io.Writer) error {
	if d.Raw != nil || d.JSON == nil {
		_, err := w.Write(d.Raw)
		return err
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(d.JSON); err != nil {
		return err
	}
	_, err := w.Write(escapeUnprintable(text.Bytes()))
	return err
}

// escapeUnprintable escapes characters in JSON that could control a terminal. Package
// json escapes only a few of them.
func escapeUnprintable(text []byte) []byte {
	escaped := make([]byte, 0, len(text))
	for _, char := range string(text) {
		if unicode.IsPrint(char) || char == '\n' {
			escaped = utf8.AppendRune(escaped, char)
			continue
		}
		for _, unit := range utf16.Encode([]rune{char}) {
			escaped = fmt.Appendf(escaped, "\\u%04x", unit)
		}
	}
	return escaped
}
