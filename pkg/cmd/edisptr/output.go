package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/mattn/go-isatty"

	"github.com/edisptr/edis-go/pkg/internal/canonical"
	"github.com/edisptr/edis-go/pkg/internal/redact"
)

// output is a writer that keeps its first error, so that callers need not check
// each write.
type output struct {
	io.Writer
	err error
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	if err != nil && o.err == nil {
		o.err = fmt.Errorf("cannot write output: %w", err)
	}
	return n, err
}

// Values of --output.
const (
	outputTable = "table"
	outputJSON  = "json"
	outputYAML  = "yaml" // of list only, as zone
	outputZone  = "zone"
)

// state is the state of a record after a command.
type state string

const (
	stateSet     state = "set"
	stateDeleted state = "deleted"
	statePresent state = "present"
	stateAbsent  state = "absent"
	stateKept    state = "kept"    // was already as wanted
	stateRefused state = "refused" // by the service; unchanged
	stateSkipped state = "skipped" // not sent; unchanged
	stateUnknown state = "unknown"
)

// recordState is a record and its state as printed.
type recordState struct {
	KVMID string     `json:"-" yaml:"-"` // in a table of several servers
	IP    netip.Addr `json:"ip"`
	Name  string     `json:"name"`
	State state      `json:"state"`
}

// serverRecords are the records of one KVM server as printed in JSON.
type serverRecords struct {
	KVMID   string        `json:"kvm_id" yaml:"kvm_id"`
	Records []recordState `json:"records"`
	Error   string        `json:"error,omitempty"` // why there are none, in a list of all servers
}

func byAddress(a, b recordState) int { return a.IP.Compare(b.IP) }

// canonicalName returns name in the form in which it is sent, or as it is if it is not a
// host name.
func canonicalName(name string) string {
	if valid, err := canonical.Name(name, true); err == nil {
		return valid
	}
	return name
}

// sortedRecords returns ptrs in canonical form with their states, sorted by address.
func sortedRecords(ptrs map[netip.Addr]string, states map[netip.Addr]state) []recordState {
	records := make([]recordState, 0, len(ptrs))
	for address, name := range ptrs {
		address = address.Unmap()
		records = append(records, recordState{IP: address, Name: canonicalName(name), State: states[address]})
	}
	slices.SortFunc(records, byAddress)
	return records
}

// printRecords prints the records of one KVM server.
func (a *app) printRecords(kvmID string, records []recordState) {
	if a.format == outputJSON {
		a.printJSON(serverRecords{KVMID: kvmID, Records: records})
		return
	}
	a.printRecordTable(records, false)
}

// printRecordTable prints records, with the KVM IDs of several servers.
func (a *app) printRecordTable(records []recordState, several bool) {
	rows := [][]cell{{{text: "KVM ID"}, {text: "IP"}, {text: "NAME"}, {text: "STATE"}}}
	for _, r := range records {
		rows = append(rows, []cell{{text: r.KVMID}, {text: r.IP.String()}, {text: r.Name}, {text: string(r.State), state: r.State}})
	}
	if !several {
		for i := range rows {
			rows[i] = rows[i][1:]
		}
	}
	a.printTable(rows)
}

func (a *app) printJSON(value any) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		panic(fmt.Sprintf("edisptr: cannot marshal %T: %v", value, err))
	}
	_, _ = a.stdout.Write(escapeUnprintable(text.Bytes())) // remembers its error
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

// cell is a cell of a table, in the color of its state if it has one.
type cell struct {
	text  string
	state state
}

// printTable prints rows in aligned columns. The first row is the header.
func (a *app) printTable(rows [][]cell) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, c := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(redact.Printable(c.text)))
		}
	}
	for i, row := range rows {
		var line strings.Builder
		for j, c := range row {
			if j > 0 {
				line.WriteString("  ")
			}
			text := redact.Printable(c.text)
			padding := strings.Repeat(" ", widths[j]-utf8.RuneCountInString(text))
			line.WriteString(a.style(c.state.color(), text) + padding)
		}
		text := strings.TrimRight(line.String(), " ")
		if i == 0 {
			text = a.style(bold, text)
		}
		fmt.Fprintln(a.stdout, text)
	}
}

func (s state) color() color {
	switch s {
	case stateSet, stateDeleted:
		return green
	case stateRefused, stateUnknown:
		return red
	case stateSkipped:
		return yellow
	case statePresent, stateAbsent, stateKept:
	}
	return ""
}

// color is the parameter of an SGR sequence (ECMA-48, section 8.3.117).
type color string

const (
	bold   color = "1"
	red    color = "31"
	green  color = "32"
	yellow color = "33"
)

// style returns text in a color, if standard output is a terminal with colors and
// NO_COLOR is not set.
func (a *app) style(c color, text string) string {
	if c == "" || !isTerminal(a.stdout.Writer) || a.env("NO_COLOR") != "" || a.env("TERM") == "dumb" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

// isTerminal reports whether stream, a reader or a writer, is a terminal.
func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && (isatty.IsTerminal(file.Fd()) || isatty.IsCygwinTerminal(file.Fd()))
}
