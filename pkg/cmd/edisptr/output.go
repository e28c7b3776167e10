package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/fatih/color"
	"github.com/mattn/go-isatty"

	"github.com/edisptr/edis-go/pkg/internal/canonical"
	"github.com/edisptr/edis-go/pkg/internal/redact"
)

// output is standard output. It remembers that it failed, so that not each
// print has to ask.
type output struct {
	io.Writer
	failure error
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	if err != nil && o.failure == nil {
		o.failure = fmt.Errorf("cannot write the result: %w", err)
	}
	return n, err
}

// Formats of the result.
const (
	outputTable = "table"
	outputJSON  = "json"
)

// state is what is known of a record after a command.
type state string

const (
	stateSet       state = "set"
	stateDeleted   state = "deleted"
	statePresent   state = "present"
	stateAbsent    state = "absent"
	stateUnchanged state = "unchanged"
	stateFailed    state = "failed"
	stateUnknown   state = "unknown"
)

// recordState is a record as printed.
type recordState struct {
	IP    netip.Addr `json:"ip"`
	Name  string     `json:"name"`
	State state      `json:"state"`
}

func byAddress(a, b recordState) int { return a.IP.Compare(b.IP) }

// recordsOf returns ptrs sorted by address and as they are sent, all in one
// state.
func recordsOf(ptrs map[netip.Addr]string, s state) []recordState {
	records := make([]recordState, 0, len(ptrs))
	for address, name := range ptrs {
		if sent, refused := canonical.Name(name, true); refused == "" {
			name = sent
		}
		records = append(records, recordState{address.Unmap(), name, s})
	}
	slices.SortFunc(records, byAddress)
	return records
}

// printRecords prints what is known of the records of one KVM server.
func (a *app) printRecords(kvmID string, records []recordState) {
	if a.format == outputJSON {
		a.printJSON(struct {
			KVMID   string        `json:"kvm_id"`
			Records []recordState `json:"records"`
		}{kvmID, records})
		return
	}
	rows := [][]cell{{{text: "IP"}, {text: "NAME"}, {text: "STATE"}}}
	for _, r := range records {
		rows = append(rows, []cell{{text: r.IP.String()}, {text: r.Name}, {text: string(r.State), state: r.State}})
	}
	a.printTable(rows)
}

func (a *app) printJSON(value any) {
	encoder := json.NewEncoder(a.stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil && a.stdout.failure == nil {
		panic(fmt.Sprintf("edisptr: %T does not marshal: %v", value, err))
	}
}

// cell is one text of a table, in the colour of a state if it has one.
type cell struct {
	text  string
	state state
}

// printTable prints rows in columns; the first row is the header.
func (a *app) printTable(rows [][]cell) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, c := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(c.text))
		}
	}
	for i, row := range rows {
		var line strings.Builder
		for j, c := range row {
			if j > 0 {
				line.WriteString("  ")
			}
			padding := strings.Repeat(" ", widths[j]-utf8.RuneCountInString(c.text))
			line.WriteString(a.paint(c.state.colour()).Sprint(redact.Printable(c.text)) + padding)
		}
		text := strings.TrimRight(line.String(), " ")
		if i == 0 {
			text = a.paint(color.Bold).Sprint(text)
		}
		fmt.Fprintln(a.stdout, text)
	}
}

func (s state) colour() color.Attribute {
	switch s {
	case stateSet, stateDeleted:
		return color.FgGreen
	case stateFailed, stateUnknown:
		return color.FgRed
	case statePresent, stateAbsent, stateUnchanged:
	}
	return color.Reset
}

// paint returns a colour that shows on a terminal only, and not against NO_COLOR
// or on one that has none.
func (a *app) paint(attribute color.Attribute) *color.Color {
	painted := color.New(attribute)
	if attribute != color.Reset && isTerminal(a.stdout.Writer) && a.env("NO_COLOR") == "" && a.env("TERM") != "dumb" {
		painted.EnableColor()
	} else {
		painted.DisableColor()
	}
	return painted
}

// isTerminal takes a reader or a writer.
func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && (isatty.IsTerminal(file.Fd()) || isatty.IsCygwinTerminal(file.Fd()))
}
