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
		Short: "Make the PTR records as in a file",
		Long: `Reads what is there, shows what would change, asks, and changes it in batches.
Interrupted, it says what is known of each address; run again, it continues.

FILE, or - for standard input, is one of these:
  a map in YAML or JSON, null for no record:   192.0.2.10: mail.example.com
  a map of KVM ids to such maps:               kvm_1_2: {192.0.2.10: mail.example.com}
  a zone file, of which the PTR records count: $ORIGIN 2.0.192.in-addr.arpa.
                                               10 IN PTR mail.example.com.`,
		Example: "  edisptr apply -f ptr.yaml\n  edisptr apply -f 2.0.192.in-addr.arpa.zone --yes",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if options.file == "" || options.batch < 1 {
				return usageError{errors.New("apply needs -f FILE, and --batch at least 1")}
			}
			return a.apply(command.Context(), options)
		},
	}
	flags := command.Flags()
	flags.StringVarP(&options.file, "file", "f", "", "`FILE` with the records, - for standard input")
	flags.BoolVar(&options.yes, "yes", false, "do not ask")
	flags.BoolVar(&options.force, "force", false, "with --yes: change even more than 30 % of the records there, if they are more than 10")
	flags.BoolVar(&options.dryRun, "dry-run", false, "show what would change; exit status 4 if anything would")
	flags.IntVar(&options.batch, "batch", 100, "`N` addresses in one call")
	flags.BoolVar(&a.allowUnderscore, "allow-underscore", false, "permit underscores in host names")
	return command
}

// Errors that have an exit status of their own, or need no more words.
var (
	errDiffers  = errors.New("records that differ")
	errDeclined = errors.New("nothing changed")
)

func (a *app) apply(ctx context.Context, options applyOptions) error {
	if !options.yes && !options.dryRun && !isTerminal(a.stdin) {
		return usageError{errors.New("there is no terminal to ask on: give --yes or --dry-run")}
	}
	records, err := a.readWanted(options.file)
	if err != nil {
		return err
	}
	plans, err := a.plans(records)
	if err != nil {
		return err
	}
	for _, p := range plans {
		if err := a.read(ctx, p, options.batch); err != nil {
			return err
		}
	}
	if a.format == outputTable {
		for _, p := range plans {
			a.printPlan(p)
		}
	}
	err = a.carryOut(ctx, plans, options)
	for _, p := range plans {
		a.printOutcome(p, options.dryRun || errors.Is(err, errDeclined))
	}
	return err
}

// carryOut makes the changes, if there are any and they are wanted.
func (a *app) carryOut(ctx context.Context, plans []*plan, options applyOptions) error {
	changes := 0
	for _, p := range plans {
		changes += len(p.changes())
	}
	switch {
	case changes == 0:
		fmt.Fprintln(a.stderr, "Nothing to change, no write was sent.")
		return nil
	case options.dryRun:
		return fmt.Errorf("%w: %d", errDiffers, changes)
	}
	for _, p := range plans {
		if permitted := options.yes && options.force; p.isDrastic() && !permitted {
			return fmt.Errorf("%w: more than 30 %% of the %d records there would change, which --yes --force permits", errDeclined, p.existing())
		}
	}
	if !options.yes {
		if err := a.ask(ctx, fmt.Sprintf("Change %d? [y/N] ", changes)); err != nil {
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

// ask lets a person on a terminal decide.
func (a *app) ask(ctx context.Context, question string) error {
	fmt.Fprint(a.stderr, question)
	answers := make(chan string, 1)
	go func() {
		answer, _ := bufio.NewReader(a.stdin).ReadString('\n') // the end of input is a no
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

// change makes the changes of a plan batch by batch, and ends with the first
// that fails: the next run plans from what is there then.
func (a *app) change(ctx context.Context, p *plan, batch int, progress *progress) error {
	for _, action := range []action{actionSet, actionDelete} {
		for steps := range slices.Chunk(p.withAction(action), batch) {
			err := p.send(ctx, action, steps)
			if err == nil {
				a.changed = true
			}
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

// printPlan shows the changes as a diff.
func (a *app) printPlan(p *plan) {
	changes := p.changes()
	title := fmt.Sprintf("%d of %d records differ", len(changes), len(p.steps))
	if p.kvmID != "" {
		title = p.kvmID + ": " + title
	}
	fmt.Fprintln(a.stdout, a.paint(color.Bold).Sprint(title))
	for _, s := range changes {
		if s.From != "" {
			fmt.Fprintln(a.stdout, a.paint(color.FgRed).Sprintf("- %s %s", s.IP, redact.Printable(s.From)))
		}
		if s.To != "" {
			fmt.Fprintln(a.stdout, a.paint(color.FgGreen).Sprintf("+ %s %s", s.IP, s.To))
		}
	}
}

// printOutcome says what is known of each address; the plan alone, in JSON, if
// nothing was to be changed.
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
	rows := [][]cell{{{text: "IP"}, {text: "NAME"}, {text: "STATE"}}}
	for _, s := range p.steps {
		rows = append(rows, []cell{{text: s.IP.String()}, {text: s.To}, {text: string(s.State), state: s.State}})
	}
	a.printTable(rows)
	var counts []string
	for _, known := range []state{stateSet, stateDeleted, stateUnchanged, stateFailed, stateUnknown} {
		if n := p.count(known); n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, known))
		}
	}
	fmt.Fprintln(a.stderr, strings.Join(counts, ", "))
}
