package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"

	"github.com/fatih/color"
	"github.com/mattn/go-isatty"
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
	stateUnknown   state = "unknown"
	stateUnchanged state = "unchanged"
)

// recordState is a record as printed.
type recordState struct {
	IP    netip.Addr `json:"ip"`
	Name  string     `json:"name"`
	State state      `json:"state"`
}

// recordsOf returns ptrs sorted by address, all in one state.
func recordsOf(ptrs map[netip.Addr]string, s state) []recordState {
	records := make([]recordState, 0, len(ptrs))
	for address, name := range ptrs {
		records = append(records, recordState{address.Unmap(), name, s})
	}
	slices.SortFunc(records, func(a, b recordState) int { return a.IP.Compare(b.IP) })
	return records
}

// printRecords prints what became of the records of one KVM server.
func (a *app) printRecords(kvmID string, records []recordState) {
	if a.format == outputJSON {
		a.printJSON(struct {
			KVMID   string        `json:"kvm_id"`
			Records []recordState `json:"records"`
		}{kvmID, records})
		return
	}
	ipWidth, nameWidth := len("IP"), len("NAME")
	for _, r := range records {
		ipWidth = max(ipWidth, len(r.IP.String()))
		nameWidth = max(nameWidth, len(r.Name))
	}
	bold := a.paint(color.Bold)
	fmt.Fprintf(a.stdout, "%s\n", bold.Sprintf("%-*s  %-*s  %s", ipWidth, "IP", nameWidth, "NAME", "STATE"))
	for _, r := range records {
		fmt.Fprintf(a.stdout, "%-*s  %-*s  %s\n", ipWidth, r.IP, nameWidth, r.Name, a.paint(r.State.colour()).Sprint(r.State))
	}
}

func (a *app) printJSON(value any) {
	encoder := json.NewEncoder(a.stdout)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil && a.stdout.failure == nil {
		panic(fmt.Sprintf("edisptr: %T does not marshal: %v", value, err))
	}
}

func (s state) colour() color.Attribute {
	switch s {
	case stateSet:
		return color.FgGreen
	case stateUnknown:
		return color.FgRed
	case stateUnchanged:
	}
	return color.Reset
}

// paint returns a colour that shows on a terminal only, and not against
// NO_COLOR.
func (a *app) paint(attribute color.Attribute) *color.Color {
	painted := color.New(attribute)
	if isTerminal(a.stdout.Writer) && a.env("NO_COLOR") == "" {
		painted.EnableColor()
	} else {
		painted.DisableColor()
	}
	return painted
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && (isatty.IsTerminal(file.Fd()) || isatty.IsCygwinTerminal(file.Fd()))
}
