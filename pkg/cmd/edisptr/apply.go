package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/internal/redact"
)

// applyOptions are the flags of apply.
type applyOptions struct {
	file                      string
	yes, force, dryRun, prune bool
	batch, parallel           int
}

func (a *app) applyCommand() *cobra.Command {
	var options applyOptions
	command := &cobra.Command{
		Use:   "apply -f FILE",
		Short: "Apply the PTR records in a file",
		Long: `Apply compares the PTR records in FILE with those of the service, shows the
differences, asks for confirmation, and changes the records in batches, with one
login for all servers. A server that fails does not stop the others. If
interrupted, apply prints the state of each address; run it again to continue.

FILE, or - for standard input, is one of:
  a YAML or JSON map of addresses to host names, null for no record:
    192.0.2.10: mail.example.com
  a map of KVM IDs to such maps:
    kvm_1_2: {192.0.2.10: mail.example.com}
  a zone file, of which only the PTR records are used:
    $ORIGIN 2.0.192.in-addr.arpa.
    10 IN PTR mail.example.com. ; kvm_id=kvm_1_2 (the comment is optional)
  what 'edisptr list' prints with -o yaml, zone or json`,
		Example: "  edisptr list --all -o yaml >ptr.yaml; vi ptr.yaml; edisptr apply -f ptr.yaml\n  edisptr apply -f 2.0.192.in-addr.arpa.zone --yes",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("unexpected argument %q; to apply a file, run: edisptr apply -f %s", args[0], shellQuote(args[0]))
			}
			return nil
		},
		RunE: func(command *cobra.Command, _ []string) error {
			switch {
			case options.file == "":
				return usageError{errors.New("apply requires -f FILE")}
			case options.batch < 1 || options.parallel < 1:
				return usageError{errors.New("--batch and --parallel must be at least 1")}
			}
			return a.apply(command.Context(), options)
		},
	}
	flags := command.Flags()
	flags.StringVarP(&options.file, "file", "f", "", "read the records from `FILE`, - for standard input")
	flags.BoolVarP(&options.yes, "yes", "y", false, "do not ask for confirmation")
	flags.BoolVar(&options.force, "force", false, "allow changing more than 30% of the existing\nrecords if there are more than 10")
	flags.BoolVarP(&options.dryRun, "dry-run", "n", false, "show changes only; exit status 4 if there are any")
	flags.BoolVar(&options.prune, "prune", false, "also delete the records of these servers that\nare not in the file; asks for them separately")
	flags.IntVar(&options.batch, "batch", 100, "send `N` addresses per request")
	a.parallelFlag(command, &options.parallel)
	a.kvmFlag(command)
	flags.Lookup("kvm").Usage = "`ID` of the KVM server for records without one;\noverrides EDIS_KVM_ID"
	completeFlag(command, "file", cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault)) // files
	flags.BoolVar(&a.allowUnderscore, "allow-underscore", false, "allow underscores in host names")
	return command
}

var (
	errDryRun   = errors.New("dry run") // with changes to make
	errDeclined = errors.New("nothing changed")
)

func (a *app) apply(ctx context.Context, options applyOptions) error {
	records, err := a.readRecords(options.file)
	if err != nil {
		return err
	}
	if !options.yes && !options.dryRun {
		if err := a.openTerminal(); err != nil {
			return usageError{fmt.Errorf("no terminal to ask for confirmation (%w); use --yes or --dry-run", err)}
		}
	}
	plans, err := a.newPlans(ctx, records)
	if err != nil {
		return err
	}
	a.writes, a.next = true, "Run the same command again: it changes only what still differs."
	a.compare(ctx, plans, options)
	if a.format == outputTable {
		a.printPlans(plans)
	}
	if a.stdout.err != nil { // nobody could read the plan
		return a.stdout.err
	}
	err = a.execute(ctx, plans, options)
	a.printOutcome(plans, options.dryRun || errors.Is(err, errDeclined))
	return cmp.Or(serverErrors(plans), err)
}

// compare reads the current records of all servers.
func (a *app) compare(ctx context.Context, plans []*plan, options applyOptions) {
	total := 0
	for _, p := range plans {
		total += len(p.steps)
	}
	progress := a.progress("reading", total)
	defer progress.end()
	sideBySide(ctx, plans, options.parallel, func(p *plan) error {
		if err := p.compare(ctx, options.batch, progress); err != nil {
			return err
		}
		a.sent.Store(true)
		if options.prune {
			return p.prune(ctx)
		}
		return nil
	})
}

// sideBySide does work for each server that is not given up, for parallel servers at
// once. It gives up a server whose work fails, and all that are left if the service
// refuses a login.
func sideBySide(ctx context.Context, plans []*plan, parallel int, work func(*plan) error) {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for _, p := range plans {
		if p.err != nil {
			continue
		}
		group.Go(func() error {
			if p.err = context.Cause(ctx); p.err == nil {
				p.err = work(p)
			}
			if isLoginRefused(p.err) {
				return p.err
			}
			return nil
		})
	}
	_ = group.Wait() // each plan has its error
}

// isLoginRefused reports whether err is a refused login, after which the account is of no
// use.
func isLoginRefused(err error) bool {
	return slices.ContainsFunc(errorsIn[*edis.APIError](err), func(e *edis.APIError) bool {
		return e.Op == "createAuthSession" && slices.Contains([]int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden}, e.Status)
	})
}

// serverErrors returns the errors of the servers that were given up.
func serverErrors(plans []*plan) error {
	var errs []error
	for _, p := range plans {
		if p.err != nil {
			errs = append(errs, serverError{p.kvmID, p.err})
		}
	}
	if len(plans) == 1 {
		return plans[0].err
	}
	if len(errs) == 0 {
		return nil
	}
	return fleetError{errs, len(plans)}
}

// execute makes the changes of plans if the options or the user allow it.
func (a *app) execute(ctx context.Context, plans []*plan, options applyOptions) error {
	changes := countChanges(plans)
	switch {
	case changes == 0:
		if serverErrors(plans) == nil {
			fmt.Fprintln(a.stderr, "Nothing to change; no write was sent.")
		}
		return nil
	case options.dryRun:
		return fmt.Errorf("%w: %s to change", errDryRun, recordCount(changes))
	}
	if err := checkDrastic(plans, options); err != nil {
		return err
	}
	if !options.yes {
		if err := a.askForPlans(ctx, plans); err != nil {
			return err
		}
	}
	progress := a.progress("changing", countChanges(plans))
	defer progress.end()
	sideBySide(ctx, plans, options.parallel, func(p *plan) error { return p.change(ctx, a, options.batch, progress) })
	return nil
}

func countChanges(plans []*plan) (changes int) {
	for _, p := range plans {
		changes += len(p.changes())
	}
	return changes
}

// checkDrastic returns an error if a plan, or all together, would change so much that it
// must be forced.
func checkDrastic(plans []*plan, options applyOptions) error {
	if options.force {
		return nil
	}
	existing := drastic(plans...)
	for _, p := range plans {
		existing = cmp.Or(existing, drastic(p))
	}
	if existing > 0 {
		return fmt.Errorf("%w: more than 30%% of the %d existing records would change; use --force to allow it", errDeclined, existing)
	}
	return nil
}

// askForPlans asks the user to confirm the changes, and separately those of --prune.
func (a *app) askForPlans(ctx context.Context, plans []*plan) error {
	pruned := 0
	for _, p := range plans {
		pruned += len(p.filter(func(s *step) bool { return s.prune }))
	}
	changes := countChanges(plans) - pruned
	if err := serverErrors(plans); err != nil {
		fmt.Fprintln(a.stderr, causes(err))
	}
	if changes > 0 {
		if err := a.ask(ctx, fmt.Sprintf("Change %s? [y/N] ", recordCount(changes))); err != nil {
			return err
		}
	}
	if pruned == 0 {
		return nil
	}
	err := a.ask(ctx, fmt.Sprintf("Delete %s not in the file? [y/N] ", recordCount(pruned)))
	if err == nil || changes == 0 {
		return err
	}
	for _, p := range plans {
		p.steps = p.filter(func(s *step) bool { return !s.prune })
	}
	return nil
}

func recordCount(n int) string {
	if n == 1 {
		return "1 record"
	}
	return fmt.Sprintf("%d records", n)
}

// openTerminal makes ask read from standard input, or from the terminal itself if
// standard input is something else, such as the file to apply.
func (a *app) openTerminal() error {
	if isTerminal(a.stdin) {
		a.replies = bufio.NewReader(a.stdin)
		return nil
	}
	terminal, err := os.Open(terminalFile)
	if err == nil {
		a.replies = bufio.NewReader(terminal) // closed when the program ends
	}
	return err
}

// ask asks the user to confirm. It returns errDeclined unless the reply is yes.
func (a *app) ask(ctx context.Context, question string) error {
	fmt.Fprint(a.stderr, question)
	replies := make(chan string, 1)
	go func() {
		reply, _ := a.replies.ReadString('\n') // EOF counts as no
		replies <- strings.ToLower(strings.TrimSpace(reply))
	}()
	select {
	case reply := <-replies:
		if reply == "y" || reply == "yes" {
			return nil
		}
	case <-ctx.Done():
		fmt.Fprintln(a.stderr)
	}
	return errDeclined
}

// printPlans prints the changes as a diff.
func (a *app) printPlans(plans []*plan) {
	for _, p := range plans {
		changes := p.changes()
		if p.err != nil || len(changes) == 0 && len(plans) > 1 {
			continue
		}
		title := planTitle(len(changes), len(p.steps)-len(changes))
		if p.kvmID != "" {
			title = redact.Printable(p.kvmID) + ": " + title
		}
		fmt.Fprintln(a.stdout, a.style(bold, title))
		for _, s := range changes {
			if s.From != "" {
				fmt.Fprintln(a.stdout, a.style(red, fmt.Sprintf("- %s %s", s.IP, redact.Printable(s.From))))
			}
			if s.To != "" {
				fmt.Fprintln(a.stdout, a.style(green, fmt.Sprintf("+ %s %s", s.IP, s.To)))
			}
		}
	}
}

// planTitle says how many records differ from the file, and how many do not.
func planTitle(differ, same int) string {
	title := recordCount(differ) + " to change"
	if same > 0 {
		title += fmt.Sprintf(", %d as wanted", same)
	}
	return title
}

// An outcome is what apply did, as it is printed in JSON.
type outcome struct {
	Servers []serverOutcome `json:"servers"`
	counts
}

type serverOutcome struct {
	KVMID string  `json:"kvm_id"`
	Plan  []*step `json:"plan"`
	counts
	Error string `json:"error,omitempty"`
}

type counts struct {
	Applied int `json:"applied"`
	Unknown int `json:"unknown"`
	Failed  int `json:"failed"`
}

// printOutcome prints the state of each address. With planOnly, it prints only the plan
// in JSON and nothing in a table, because printPlans did.
func (a *app) printOutcome(plans []*plan, planOnly bool) {
	if a.format == outputTable {
		if !planOnly && (countChanges(plans) > 0 || serverErrors(plans) != nil && a.sent.Load()) {
			a.printStates(plans)
		}
		return
	}
	total := outcome{Servers: make([]serverOutcome, 0, len(plans))}
	for _, p := range plans {
		server := serverOutcome{KVMID: p.kvmID, Plan: p.steps, counts: counts{Applied: p.count(stateSet, stateDeleted), Unknown: p.count(stateUnknown)}}
		if !planOnly || p.err != nil {
			server.Failed = p.count(stateRefused, stateSkipped)
		}
		if p.err != nil {
			server.Error = causes(p.err)
		}
		total.Applied, total.Unknown, total.Failed = total.Applied+server.Applied, total.Unknown+server.Unknown, total.Failed+server.Failed
		total.Servers = append(total.Servers, server)
	}
	a.printJSON(total)
}

// printStates prints the records of all servers in one table, and counts their states.
func (a *app) printStates(plans []*plan) {
	var records []recordState
	for _, p := range plans {
		for _, s := range p.steps {
			records = append(records, recordState{p.kvmID, s.IP, s.To, s.State})
		}
	}
	a.printRecordTable(records, len(plans) > 1)
	var counts []string
	for _, s := range []state{stateSet, stateDeleted, stateKept, stateRefused, stateSkipped, stateUnknown} {
		n := 0
		for _, p := range plans {
			n += p.count(s)
		}
		if n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, s))
		}
	}
	a.note("%s", strings.Join(counts, ", "))
}
