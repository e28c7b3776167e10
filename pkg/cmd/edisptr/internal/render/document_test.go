package render

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

func text(t *testing.T, write func(io.Writer) error) string {
	t.Helper()
	var text bytes.Buffer
	if err := write(&text); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func asText(t *testing.T, d Document, colors bool) string {
	t.Helper()
	return text(t, func(w io.Writer) error { return d.WriteText(w, colors) })
}

func TestTable(t *testing.T) {
	t.Parallel()
	table := [][]Cell{
		{{Text: "IP"}, {Text: "NAME"}, {Text: "STATE"}},
		{{Text: "192.0.2.1"}, {Text: "ü"}, {Text: "set", Color: Green}},
		{{Text: "x", Color: Red}, {Text: "longer"}, {}},
		{{Text: "y"}, {}, {}},
	}
	for name, test := range map[string]struct {
		document Document
		colors   bool
		want     string
	}{
		"plain":           {Document{Table: table}, false, "IP         NAME    STATE\n192.0.2.1  ü       set\nx          longer\ny\n"},
		"colors":          {Document{Table: table[:3]}, true, "\x1b[1mIP\x1b[0m         \x1b[1mNAME\x1b[0m    \x1b[1mSTATE\x1b[0m\n192.0.2.1  ü       \x1b[32mset\x1b[0m\n\x1b[31mx\x1b[0m          longer\n"},
		"no rows":         {Document{Table: table[:1], Lines: Lines("none")}, false, "none\n"},
		"nothing":         {Document{}, false, ""},
		"lines":           {Document{Table: table[:1], Lines: append(Lines("a", ""), Cell{"b", Yellow})}, true, "a\n\n\x1b[33mb\x1b[0m\n"},
		"table and lines": {Document{Table: [][]Cell{{{Text: "A"}}, {{Text: "1"}}}, Lines: Lines("1 in all")}, false, "A\n1\n1 in all\n"},
		"raw":             {Document{Table: table, Lines: Lines("a"), Raw: []byte("raw\t")}, true, "raw\t"},
	} {
		if got := asText(t, test.document, test.colors); got != test.want {
			t.Errorf("%s: WriteText = %q\nwant %q", name, got, test.want)
		}
	}
}

// Whatever a text has in it, it cannot control the terminal, and columns stay aligned.
func TestTextIsPrintable(t *testing.T) {
	t.Parallel()
	for _, char := range []string{"\x1b", "\x07", "\x7f", "\n", "\u0085", "\u202e", "\u200b", "\U000e0001", "\xff"} {
		odd := Cell{Text: "a" + char + "b"}
		d := Document{Table: [][]Cell{{{Text: "A"}, {Text: "B"}}, {odd, {Text: "x"}}}, Lines: []Cell{odd}}
		got := asText(t, d, false)
		shown := " "
		if char == "\xff" {
			shown = "?"
		}
		if want := "A    B\na" + shown + "b  x\na" + shown + "b\n"; got != want {
			t.Errorf("WriteText with %q = %q, want %q", char, got, want)
		}
		if got := asText(t, Document{Lines: []Cell{{odd.Text, Red}}}, true); got != "\x1b[31ma"+shown+"b\x1b[0m\n" {
			t.Errorf("WriteText with %q in color = %q", char, got)
		}
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		document Document
		want     string
	}{
		"indented":    {Document{JSON: map[string]any{"a": []int{1}}}, "{\n  \"a\": [\n    1\n  ]\n}\n"},
		"HTML":        {Document{JSON: `R&D <"x">`}, `"R&D <\"x\">"` + "\n"},
		"text":        {Document{JSON: "bücher 書"}, `"bücher 書"` + "\n"},
		"escape":      {Document{JSON: "\x1b\x7f\u0085"}, `"\u001b\u007f\u0085"` + "\n"},
		"format":      {Document{JSON: "\u202e\u200b"}, `"\u202e\u200b"` + "\n"},
		"beyond 16":   {Document{JSON: "\U000e0001"}, `"\udb40\udc01"` + "\n"},
		"new line":    {Document{JSON: "a\nb"}, `"a\nb"` + "\n"},
		"no value":    {Document{}, ""},
		"raw":         {Document{JSON: 1, Raw: []byte("raw")}, "raw"},
		"table alone": {Document{Table: [][]Cell{{{Text: "A"}}, {{Text: "1"}}}}, ""},
	} {
		if got := text(t, test.document.WriteJSON); got != test.want {
			t.Errorf("%s: WriteJSON = %q, want %q", name, got, test.want)
		}
	}
}

// What cannot be written or encoded is an error, and a document is written in one piece.
func TestWriteErrors(t *testing.T) {
	t.Parallel()
	full := errors.New("disk full")
	for name, d := range map[string]Document{"table": {Lines: Lines("a", "b"), JSON: 1}, "raw": {Raw: []byte("a")}} {
		writer := failingWriter{err: full, calls: new(int)}
		if err := d.WriteText(writer, false); !errors.Is(err, full) || *writer.calls != 1 {
			t.Errorf("WriteText of %s = %v after %d writes, want %v after one", name, err, *writer.calls, full)
		}
		if err := d.WriteJSON(writer); !errors.Is(err, full) || *writer.calls != 2 {
			t.Errorf("WriteJSON of %s = %v after %d writes, want %v after one more", name, err, *writer.calls, full)
		}
	}
	var written strings.Builder
	if err := (Document{JSON: func() {}}).WriteJSON(&written); err == nil || written.Len() != 0 {
		t.Errorf("WriteJSON of a function = %v with %q, want an error and nothing", err, &written)
	}
}

type failingWriter struct {
	err   error
	calls *int
}

func (w failingWriter) Write([]byte) (int, error) {
	*w.calls++
	return 0, w.err
}
