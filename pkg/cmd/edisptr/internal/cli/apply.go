package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/edisptr/edis-go/pkg/cmd/edisptr/internal/recordfile"
	"github.com/edisptr/edis-go/pkg/reconcile"
)

// applyOptions are the flags of apply.
type applyOptions struct {
	files                     []string
	origin, kvmID             string
	yes, force, dryRun, prune bool
	allowUnderscore           bool
	batch, parallel           int
}

func (t tool) applyCommand() *cobra.Command {
	var options applyOptions
	command := &cobra.Command{
		Use:   "apply -f FILE ...",
		Short: "Apply the PTR records in files",
		Long: `Apply compares the PTR records in files with those of the service, shows the
differences, asks for confirmation, and changes the records in batches, with one
login for all servers. A server that fails does not stop the others. If
interrupted, run it again to continue. It prints what changed or failed, and one
line that counts the rest.

FILE, or - for standard input, is one of:
  a YAML or JSON map of addresses to host names, null for no record:
    192.0.2.10: mail.example.com
  a map of KVM IDs to such maps:
    kvm_1_2: {192.0.2.10: mail.example.com}
  a zone file, of which only the PTR records are used:
    $ORIGIN 2.0.192.in-addr.arpa.
    10 IN PTR mail.example.com.
  what 'edisptr list' prints with -o yaml, zone or json
Several files count as one. The server of an address without a KVM ID is found
from the address.

With --prune, apply also deletes records that no file names, of the servers that
the files name and in the reverse zones that they cover. It never deletes the
record of an address that a file names for any server, nor a name that the
provider itself gives to an address.

States of a record: planned (dry run); set; deleted; kept (as in the file);
absent; default (a name that the provider gives); changed (by somebody else
since it was read, so it was not touched); refused (by the service, nothing
changed); skipped (not sent); unknown (it may have changed).`,
		Example: "  edisptr list -o yaml >ptr.yaml; vi ptr.yaml; edisptr apply -f ptr.yaml\n  edisptr apply -f 2.0.192.in-addr.arpa.zone --yes",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("unexpected argument %q; to apply a file, run: edisptr apply -f %s", args[0], shellQuote(args[0]))
			}
			return nil
		},
		RunE: does(func(ctx context.Context, _ []string) (Result, error) {
			if err := options.check(); err != nil {
				return Result{}, err
			}
			return t.apply(ctx, options)
		}),
	}
	t.applyFlags(command, &options)
	describeJSON(command, `  changes           all records of the files, and those to prune
  changes[].kvm_id  KVM ID of the server; empty if it was not found
  changes[].ip      address
  changes[].from    host name before; empty for no record
  changes[].to      desired host name; empty for no record
  changes[].pruned  whether no file names the address
  changes[].state   see above
  changes[].error   why, if it was not changed
  summary           number of changes by state`)
	nameVariables(command, callVariables)
	return command
}

func (t tool) applyFlags(command *cobra.Command, options *applyOptions) {
	flags := command.Flags()
	flags.StringArrayVarP(&options.files, "file", "f", nil, "read records from this file, - for standard input;\nmay be repeated")
	placeholder(command, "file", "FILE")
	completeFlag(command, "file", cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault)) // files
	flags.StringVar(&options.origin, "origin", "", "zone of the relative names in a zone file without\n$ORIGIN, such as 2.0.192.in-addr.arpa")
	placeholder(command, "origin", "ZONE")
	flags.BoolVarP(&options.yes, "yes", "y", false, "do not ask for confirmation")
	flags.BoolVar(&options.force, "force", false, "allow changing more than 30% of the existing\nrecords if there are more than 10")
	flags.BoolVarP(&options.dryRun, "dry-run", "n", false, "show changes only; exit status 4 if there are any")
	flags.BoolVar(&options.prune, "prune", false, "also delete records that no file names; asks for\nthem separately")
	flags.IntVar(&options.batch, "batch", 100, "send this many addresses per request")
	placeholder(command, "batch", "N")
	flags.BoolVar(&options.allowUnderscore, "allow-underscore", false, "allow underscores in host names")
	parallelFlag(command, &options.parallel)
	t.kvmFlag(command, &options.kvmID)
	flags.Lookup("kvm").Usage = "ID of the KVM server for records without one;\noverrides EDIS_KVM_ID"
}

func (o applyOptions) check() error {
	switch {
	case len(o.files) == 0:
		return usagef("apply requires -f FILE")
	case o.batch < 1 || o.parallel < 1:
		return usagef("--batch and --parallel must be at least 1")
	}
	return nil
}

func (t tool) apply(ctx context.Context, options applyOptions) (Result, error) {
	set, err := t.readFiles(ctx, options.files, recordfile.Options{Origin: options.origin, AllowUnderscore: options.allowUnderscore})
	if err != nil {
		return Result{}, err
	}
	var person *terminal
	if !options.yes && !options.dryRun {
		if person, err = t.openTerminal(); err != nil {
			return Result{}, usagef("there is no terminal to ask for confirmation; use --yes or --dry-run")
		}
	}
	progress := t.progress("reading", countRecords(set.Records))
	plan, err := t.plan(ctx, options, set, progress)
	progress.end()
	if err != nil {
		return Result{Notes: set.Notes}, err
	}
	planned := plan.Changes()
	if options.dryRun {
		return Result{Body: planBody(planned), Notes: set.Notes, Differs: len(withStates(planned, reconcile.StatePlanned)) > 0}, failed(plan.Err())
	}
	if err := checkDrastic(planned, options.force); err != nil {
		return Result{Body: summaryBody(planned), Notes: set.Notes}, err
	}
	if person != nil && !person.confirm(ctx, plan) {
		return Result{Notes: set.Notes}, errDeclined
	}
	progress.begin("changing", len(withStates(plan.Changes(), reconcile.StatePlanned)))
	changes, err := plan.Apply(ctx)
	progress.end()
	return Result{
		Body: changesBody(changes), Changed: changedRecords(changes), Notes: set.Notes,
		Next: "Run the same command again: it changes only what still differs.",
	}, err
}

// readFiles reads all files as one set of records.
func (t tool) readFiles(ctx context.Context, files []string, options recordfile.Options) (*recordfile.Set, error) {
	sources := make([]recordfile.Source, len(files))
	for i, file := range files {
		sources[i] = recordfile.File(file)
		if file == "-" {
			sources[i] = recordfile.Source{Name: "standard input", Open: func() (io.ReadCloser, error) { return io.NopCloser(t.In), nil }}
		}
	}
	set, err := recordfile.Read(ctx, sources, options)
	if err != nil && !isInput(err) {
		err = failed(err)
	}
	return set, err
}

// checkDrastic returns an error if more than 30% of the existing records would change, of
// one server or of all, unless that is forced: it is probably a mistake, such as the wrong
// file.
func checkDrastic(planned []reconcile.Change, force bool) error {
	const fewRecords, maxPercent = 10, 30
	existing, affected := make(map[string]int), make(map[string]int)
	for _, change := range planned {
		if change.From == "" {
			continue
		}
		for _, scope := range []string{"", change.KVMID} { // "" for all
			existing[scope]++
			if change.State == reconcile.StatePlanned {
				affected[scope]++
			}
		}
	}
	for _, scope := range slices.Backward(slices.Sorted(maps.Keys(existing))) {
		if !force && existing[scope] > fewRecords && affected[scope]*100 > maxPercent*existing[scope] {
			return failed(fmt.Errorf("nothing changed: %d of %d existing records of %s would change, more than %d%%; use --force to allow it",
				affected[scope], existing[scope], cmp.Or(scope, "all servers"), maxPercent))
		}
	}
	return nil
}
