package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/edisptr/edis-go/pkg/cmd/edisptr/internal/render"
	"github.com/edisptr/edis-go/pkg/edis"
)

func (t tool) doctorCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "doctor",
		Short: "Find out how the service responds, and what to set",
		Long: `Doctor logs in and reads the records of one server. It changes nothing.

It calls the URLs of the API document. If a path does not exist there, it tries
that below /kvm/v2, as in the provider's earlier material. It reports which URLs
respond and in which form, whether the service lists records, whether the clock
of this machine is right, and what to set.

The report contains no secrets, and no addresses or names of your servers, so
you can post it in an issue. Doctor does not retry a refused login, because that
could lock the account.

Exit status:
  0  nothing to do
  1  the service does not respond as needed
  2  usage or input error
  4  the report says what to set or correct`,
		Args: noArguments,
		RunE: does(func(ctx context.Context, _ []string) (Result, error) { return t.doctor(ctx) }),
	}
	describeJSON(command, `  report           what was found
  report[].step    what was tried
  report[].result  ok, failed or note
  report[].url     what was called; empty if nothing was
  report[].detail  what was found
  settings         environment variables to set, such as NAME='value'`)
	nameVariables(command, loginVariables+",\nand EDIS_RDNS_URL")
	return command
}

// A finding is one step of the report.
type finding struct {
	Step   string `json:"step"`
	Result string `json:"result"`
	URL    string `json:"url"`
	Detail string `json:"detail"`
}

const (
	findingOK     = "ok"
	findingFailed = "failed"
	findingNote   = "note"
)

// A diagnosis is what doctor has found so far.
type diagnosis struct {
	findings []finding
	settings []string
}

func (d *diagnosis) add(step, result, format string, args ...any) {
	d.findings = append(d.findings, finding{step, result, "", fmt.Sprintf(format, args...)})
}

func (t tool) doctor(ctx context.Context) (Result, error) {
	credentials, err := t.credentials(ctx, t.promptForPassword)
	if err != nil {
		return Result{}, err
	}
	var d diagnosis
	d.add("version", findingNote, "edisptr %s", version())
	err = t.examine(ctx, credentials, &d)
	return Result{Body: d.body(err), Differs: d.hasFailed()}, err
}

// examine logs in, and then reads records in one way after the other until one works.
func (t tool) examine(ctx context.Context, credentials edis.Credentials, d *diagnosis) error {
	options := t.options(false)
	var log exchangeLog
	options.HTTPClient = &http.Client{Transport: &log}
	client, err := newClient(options)
	if err != nil {
		return err
	}
	sessions, err := client.Login(ctx, credentials)
	login := log.last()
	d.addLogin(login, sessions, err)
	if err != nil {
		return err
	}
	session, ok := firstUsable(sessions)
	if !ok {
		return failed(errors.New("the account has no KVM server to read records of"))
	}
	err = d.read(ctx, client, session, &log)
	if !isNotFound(err) || strings.HasSuffix(log.last().base(readPath), earlierPath) {
		return err
	}
	options.RDNSURL, options.AuthURL = log.last().base(readPath)+earlierPath, login.base(loginPath)
	if client, err = newClient(options); err != nil {
		return err
	}
	if err = d.read(ctx, client, session, &log); err == nil {
		d.settings = []string{"EDIS_RDNS_URL=" + shellQuote(options.RDNSURL), "EDIS_AUTH_URL=" + shellQuote(options.AuthURL)}
	}
	return err
}

// earlierPath is where earlier material of the provider has the PTR calls.
const earlierPath = "/kvm/v2"

func firstUsable(sessions []edis.Session) (edis.Session, bool) {
	for _, session := range sessions {
		if session.Signature != "" {
			return session, true
		}
	}
	return edis.Session{}, false
}

func isNotFound(err error) bool {
	refused := new(edis.APIError)
	return errors.As(err, &refused) && refused.Status == http.StatusNotFound
}

// addLogin reports how the login went.
func (d *diagnosis) addLogin(login exchange, sessions []edis.Session, err error) {
	d.addExchange("log in", login, err)
	if err != nil {
		return
	}
	unusable, primary := 0, 0
	for _, session := range sessions {
		if session.Signature == "" {
			unusable++
		}
		if session.PrimaryIP.IsValid() {
			primary++
		}
	}
	d.add("servers", findingNote, "%d; %d with a primary address, %d unusable", len(sessions), primary, unusable)
	d.addClock(login.date)
}

// addExchange reports a call by its last exchange. The text of an error may have addresses
// and names, so it is not for the report.
func (d *diagnosis) addExchange(step string, last exchange, err error) {
	found := finding{step, findingOK, last.base(""), last.String()}
	if err != nil {
		found.Result = findingFailed
	}
	if errors.Is(err, edis.ErrContract) {
		found.Detail += ", not as documented"
	}
	d.findings = append(d.findings, found)
}

// addClock compares the clock of the service with that of this machine.
func (d *diagnosis) addClock(date string) {
	const tolerated = 2 * time.Minute
	there, err := http.ParseTime(date)
	switch off := time.Since(there).Round(time.Second); {
	case err != nil:
		d.add("clock", findingNote, "the service does not tell its time")
	case off.Abs() > tolerated:
		d.add("clock", findingFailed, "this machine is %s off; correct its clock, since sessions expire by it", off)
	default:
		d.add("clock", findingOK, "as that of the service")
	}
}

// read lists the records of a server or, if the service responds but does not list, reads
// that of its primary address.
func (d *diagnosis) read(ctx context.Context, client *edis.Client, session edis.Session, log *exchangeLog) error {
	ptrs, err := client.ListPTR(ctx, session)
	d.addExchange("list records", log.last(), err)
	if err != nil && !isNotFound(err) && log.last().status != 0 && session.PrimaryIP.IsValid() {
		ptrs, err = client.GetPTR(ctx, session, session.PrimaryIP)
		d.addExchange("read a record", log.last(), err)
	}
	if err == nil {
		d.addRecords(ptrs)
	}
	return err
}

// addRecords reports which kinds of records there are.
func (d *diagnosis) addRecords(ptrs map[netip.Addr]string) {
	named, none, given := 0, 0, 0
	for addr, name := range ptrs {
		switch {
		case name == "":
			none++
		case edis.IsDefaultName(addr, name):
			given++
		default:
			named++
		}
	}
	d.add("records", findingNote, "%d with a name, %d with a default name, %d listed without a name", named, given, none)
}

// hasFailed reports whether a step failed.
func (d *diagnosis) hasFailed() bool {
	return slices.ContainsFunc(d.findings, func(f finding) bool { return f.Result == findingFailed })
}

// body shows the report, and says what to do unless an error does.
func (d *diagnosis) body(err error) render.Document {
	table := [][]render.Cell{{{Text: "STEP"}, {Text: "RESULT"}, {Text: "DETAIL"}}}
	colors := map[string]render.Color{findingOK: render.Green, findingFailed: render.Red}
	for _, f := range d.findings {
		row := []render.Cell{{Text: f.Step}, {Text: f.Result, Color: colors[f.Result]}, {Text: f.Detail}}
		if f.URL != "" { // two rows fit 80 columns
			table = append(table, []render.Cell{row[0], row[1], {Text: f.URL}})
			row[0], row[1] = render.Cell{}, render.Cell{}
		}
		table = append(table, row)
	}
	return render.Document{Table: table, Lines: render.Lines(d.advice(err)...), JSON: map[string]any{"report": d.findings, "settings": append([]string{}, d.settings...)}}
}

func (d *diagnosis) advice(err error) (lines []string) {
	switch {
	case err != nil:
		return nil
	case len(d.settings) > 0:
		lines = append(lines, "To use this service, set:")
		for _, setting := range d.settings {
			lines = append(lines, "  export "+setting)
		}
	case d.hasStep("read a record"):
		lines = append(lines, "The service does not list records: name the server with --kvm and in files.")
	default:
		lines = append(lines, "Nothing needs to be set.")
	}
	return lines
}

func (d *diagnosis) hasStep(step string) bool {
	return slices.ContainsFunc(d.findings, func(f finding) bool { return f.Step == step })
}
