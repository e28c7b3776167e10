package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fatih/color"
	"github.com/spf13/cobra"

	"github.com/edisptr/edis-go/pkg/internal/redact"
)

// applyOptions are the flags of apply.
type applyOptions struct {
	file               string
	yes, force, dryRun bool
	batch              int
}

func (a *app) applyCommand() *cobra.Command {
	var options applyOptions
	command := &cobra.Command{
		Use:   "apply -f FILE",
		Short: "Apply the PTR records in a file",
		Long: `Apply compares the PTR records in FILE with those of the service, shows the
differences, asks for confirmation, and changes the records in batches. If
interrupted, it prints the state of each address; run it again to continue.

FILE, or - for standard input, is one of:
  a YAML or JSON map of addresses to host names, null for no record:
    192.0.2.10: mail.example.com
  a map of KVM IDs to such maps:
    kvm_1_2: {192.0.2.10: mail.example.com}
  a zone file, of which only the PTR records are used:
    $ORIGIN 2.0.192.in-addr.arpa.
    10 IN PTR mail.example.com.`,
		Example: "  edisptr apply -f ptr.yaml\n  edisptr apply -f 2.0.192.in-addr.arpa.zone --yes",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if options.file == "" || options.batch < 1 {
				return usageError{errors.New("apply requires -f FILE and a --batch of at least 1")}
			}
			return a.apply(command.Context(), options)
		},
	}
	flags := command.Flags()
	flags.StringVarP(&options.file, "file", "f", "", "read the records from `FILE`, - for standard input")
	flags.BoolVar(&options.yes, "yes", false, "do not ask for confirmation")
	flags.BoolVar(&options.force, "force", false, "with --yes, allow changing more than 30% of the\nexisting records if there are more than 10")
	flags.BoolVar(&options.dryRun, "dry-run", false, "show changes only; exit status 4 if there are any")
	flags.IntVar(&options.batch, "batch", 100, "send `N` addresses per request")
	flags.BoolVar(&a.allowUnderscore, "allow-underscore", false, "allow underscores in host names")
	return command
}

var (
	errDryRun   = errors.New("dry run") // with changes to make
	errDeclined = errors.New("nothing changed")
)

func (a *app) apply(ctx context.Context, options applyOptions) error {
	if !options.yes && !options.dryRun && !isTerminal(a.stdin) {
		return usageError{errors.New("standard input is not a terminal; use --yes or --dry-run")}
	}
	records, err := a.readRecords(options.file)
	if err != nil {
		return err
	}
	plans, err := a.newPlans(records)
	if err != nil {
		return err
	}
	for _, p := range plans {
		if err := a.compare(ctx, p, options.batch); err != nil {
			return err
		}
	}
	if a.format == outputTable {
		for _, p := range plans {
			a.printPlan(p)
		}
	}
	err = a.execute(ctx, plans, options)
	for _, p := range plans {
		a.printOutcome(p, options.dryRun || errors.Is(err, errDeclined))
	}
	return err
}

// execute makes the changes of plans if the options or the user allow it.
func (a *app) execute(ctx context.Context, plans []*plan, options applyOptions) error {
	changes := 0
	for _, p := range plans {
		changes += len(p.changes())
	}
	switch {
	case changes == 0:
		fmt.Fprintln(a.stderr, "Nothing to change; no write was sent.")
		return nil
	case options.dryRun:
		return fmt.Errorf("%w: %s to change", errDryRun, recordCount(changes))
	}
	for _, p := range plans {
		if p.isDrastic() && (!options.yes || !options.force) {
			return fmt.Errorf("%w: more than 30%% of the %d existing records would change; use --yes --force to allow it", errDeclined, p.existing())
		}
	}
	if !options.yes {
		if err := a.ask(ctx, fmt.Sprintf("Change %s? [y/N] ", recordCount(changes))); err != nil {
			return err
		}
	}
	progress := a.progress("changing", changes)
	defer progress.end()
	for _, p := range plans {
		if err := a.change(ctx, p, options.batch, progress); err != nil {
			return err
		}
	}
	return nil
}

func recordCount(n int) string {
	if n == 1 {
		return "1 record"
	}
	return fmt.Sprintf("%d records", n)
}

// ask asks the user to confirm. It returns errDeclined unless the answer is yes.
func (a *app) ask(ctx context.Context, question string) error {
	fmt.Fprint(a.stderr, question)
	answers := make(chan string, 1)
	go func() {
		answer, _ := bufio.NewReader(a.stdin).ReadString('\n') // EOF counts as no
		answers <- strings.ToLower(strings.TrimSpace(answer))
	}()
	select {
	case answer := <-answers:
		if answer == "y" || answer == "yes" {
			return nil
		}
	case <-ctx.Done():
		fmt.Fprintln(a.stderr)
	}
	return errDeclined
}

// change makes the changes of a plan in batches. It stops at the first batch
// that fails: the next run of apply compares with the records as they are then.
func (a *app) change(ctx context.Context, p *plan, batch int, progress *progress) error {
	for _, action := range []action{actionSet, actionDelete} {
		for steps := range slices.Chunk(p.withAction(action), batch) {
			err := p.send(ctx, steps)
			a.changed = a.changed || err == nil
			for _, s := range steps {
				s.State = stateAfter(doneStates[action], err)
				if err != nil && s.State == stateUnchanged {
					s.State = stateFailed
				}
			}
			progress.add(len(steps))
			if err != nil {
				return err
			}
		}
	}
	return nil
}

var doneStates = map[action]state{actionSet: stateSet, actionDelete: stateDeleted}

// printPlan prints the changes as a diff.
func (a *app) printPlan(p *plan) {
	changes := p.changes()
	title := fmt.Sprintf("%d of %d records differ", len(changes), len(p.steps))
	if p.kvmID != "" {
		title = p.kvmID + ": " + title
	}
	fmt.Fprintln(a.stdout, a.style(color.Bold).Sprint(title))
	for _, s := range changes {
		if s.From != "" {
			fmt.Fprintln(a.stdout, a.style(color.FgRed).Sprintf("- %s %s", s.IP, redact.Printable(s.From)))
		}
		if s.To != "" {
			fmt.Fprintln(a.stdout, a.style(color.FgGreen).Sprintf("+ %s %s", s.IP, s.To))
		}
	}
}

// printOutcome prints the state of each address. With planOnly, it prints only
// the plan in JSON and nothing in a table, because printPlan did.
func (a *app) printOutcome(p *plan, planOnly bool) {
	if a.format == outputJSON {
		a.printJSON(struct {
			KVMID   string  `json:"kvm_id"`
			Plan    []*step `json:"plan"`
			Applied int     `json:"applied"`
			Unknown int     `json:"unknown"`
		}{p.kvmID, p.steps, p.count(stateSet) + p.count(stateDeleted), p.count(stateUnknown)})
		return
	}
	if planOnly || len(p.changes()) == 0 {
		return
	}
	records := make([]recordState, len(p.steps))
	for i, s := range p.steps {
		records[i] = recordState{s.IP, s.To, s.State}
	}
	a.printRecordTable(records)
	var counts []string
	for _, s := range []state{stateSet, stateDeleted, stateUnchanged, stateFailed, stateUnknown} {
		if n := p.count(s); n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, s))
		}
	}
	fmt.Fprintln(a.stderr, strings.Join(counts, ", "))
}
