package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/edisptr/edis-go/pkg/cmd/edisptr/internal/recordfile"
	"github.com/edisptr/edis-go/pkg/cmd/edisptr/internal/render"
	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/fcrdns"
	"github.com/edisptr/edis-go/pkg/reconcile"
)

// checkOptions are the flags of check.
type checkOptions struct {
	resolver, origin string
	files            []string
	all              bool
}

func (t tool) checkCommand() *cobra.Command {
	var options checkOptions
	command := &cobra.Command{
		Use:   "check IP ... | --all | -f FILE ...",
		Short: "Check forward-confirmed reverse DNS",
		Long: `Check looks up the PTR names of each address. The address is confirmed if at
least one of the names resolves back to it. RFC 8601 calls this iprev, and many
mail servers require it. Some mail servers look only at the first name, so an
address should have one PTR record.

With addresses or -f, it needs no login. With -f, it checks the addresses that
have a host name in the files, as in 'edisptr apply'. With --all, it lists the
records of the account and checks their addresses.

Names that are not host names do not confirm an address. Of more than 10 names,
the first 10 in alphabetical order are tried.

With --quiet, the table has only the addresses that are not confirmed, so that a
nightly run is silent when all is well.

With --resolver or EDIS_DNS, check queries only that DNS server, which should be
recursive. The default port is 53. Otherwise, check queries the DNS servers that
this system is configured with. It never reads the hosts file (/etc/hosts),
because other mail servers do not see it.

Exit status:
  0  all addresses are confirmed
  1  at least one address could not be checked, because a lookup failed or timed
     out, or because it has too many names
  2  usage or input error
  4  all addresses were checked, and at least one is not confirmed`,
		Example: "  edisptr check 192.0.2.10 2001:db8::10\n  edisptr check --all\n  edisptr check --resolver 192.0.2.53 192.0.2.10",
		RunE: func(command *cobra.Command, args []string) error {
			if options.resolver == "" && command.Flags().Changed("resolver") { // such as an unset variable
				return errors.New("--resolver is empty; write HOST or HOST:PORT")
			}
			return does(func(ctx context.Context, args []string) (Result, error) { return t.check(ctx, args, options) })(command, args)
		},
	}
	flags := command.Flags()
	flags.StringVar(&options.resolver, "resolver", "", "query only this DNS server")
	placeholder(command, "resolver", "HOST[:PORT]")
	flags.BoolVar(&options.all, "all", false, "check the addresses of all records of the account")
	flags.StringArrayVarP(&options.files, "file", "f", nil, "check the addresses in this file, - for standard\ninput; may be repeated")
	placeholder(command, "file", "FILE")
	completeFlag(command, "file", cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault)) // files
	flags.StringVar(&options.origin, "origin", "", "zone of the relative names in a zone file without\n$ORIGIN")
	placeholder(command, "origin", "ZONE")
	describeJSON(command, `  results              all addresses, sorted
  results[].ip         address
  results[].names      PTR names, with "(alias of NAME)" after an alias
  results[].checked    false if it is not known whether the address is confirmed
  results[].confirmed  whether it is confirmed
  results[].reason     why it is not confirmed or not checked`)
	nameVariables(command, "EDIS_DNS; with --all, those of list")
	return command
}

// checkJSON is the check of one address as printed.
type checkJSON struct {
	IP        netip.Addr `json:"ip"`
	Names     []string   `json:"names"`
	Checked   bool       `json:"checked"`
	Confirmed bool       `json:"confirmed"`
	Reason    string     `json:"reason"`
}

func (t tool) check(ctx context.Context, args []string, options checkOptions) (Result, error) {
	client, err := t.dnsClient(cmp.Or(options.resolver, t.Env("EDIS_DNS")))
	if err != nil {
		return Result{}, err
	}
	addrs, unlisted, err := t.addressesToCheck(ctx, args, options)
	if err != nil {
		return Result{}, err
	}
	results := fcrdns.Check(ctx, client, addrs...)
	if err := ctx.Err(); err != nil {
		return Result{}, failed(err)
	}
	unconfirmed := len(withVerdict(results, fcrdns.NotConfirmed))
	result := Result{Body: checkBody(results, t.flags.quiet), Differs: unconfirmed > 0}
	if unconfirmed > 0 {
		result.Notes = []string{"edisptr: not confirmed: " + ofAddresses(unconfirmed, addrs)}
	}
	return result, cmp.Or(undecidedError(results, addrs), unlisted)
}

func withVerdict(results []fcrdns.Result, verdict fcrdns.Verdict) (some []fcrdns.Result) {
	for _, result := range results {
		if result.Verdict == verdict {
			some = append(some, result)
		}
	}
	return some
}

// undecidedError returns an error for the addresses that could not be checked. If no lookup
// got a response, it says what to try.
func undecidedError(results []fcrdns.Result, addrs []netip.Addr) error {
	undecided := withVerdict(results, fcrdns.Undecided)
	if len(undecided) == 0 {
		return nil
	}
	text := ofAddresses(len(undecided), addrs) + " could not be checked"
	if hasNoDNS(results) {
		text = fmt.Sprintf("no response from the DNS server: %s; check the network and --resolver or EDIS_DNS", results[0].Err)
	}
	return failed(errors.New(text))
}

// hasNoDNS reports whether all lookups failed without a response. Then they need no table.
func hasNoDNS(results []fcrdns.Result) bool {
	return !slices.ContainsFunc(results, func(r fcrdns.Result) bool { return !errors.As(r.Err, new(*net.OpError)) && !isTimeout(r.Err) })
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// addressesToCheck returns the addresses that the user names, sorted. unlisted names the
// servers whose addresses are missing.
func (t tool) addressesToCheck(ctx context.Context, args []string, options checkOptions) (addrs []netip.Addr, unlisted, err error) {
	ways := 0
	for _, given := range []bool{len(args) > 0, options.all, len(options.files) > 0} {
		if given {
			ways++
		}
	}
	if ways != 1 {
		return nil, nil, usagef("check requires addresses, --all or -f FILE, and only one of them")
	}
	var records map[netip.Addr]string
	var bad problems
	switch {
	case options.all:
		records, unlisted, err = t.allRecords(ctx)
	case len(options.files) > 0:
		records, err = t.namedRecords(ctx, options)
	default:
		records = parseAddresses(args, &bad)
		err = bad.err()
	}
	if err == nil && len(records) == 0 && unlisted == nil {
		err = failed(errors.New("there is no record to check"))
	}
	return slices.SortedFunc(maps.Keys(records), netip.Addr.Compare), unlisted, err
}

// allRecords returns the records of the account.
func (t tool) allRecords(ctx context.Context) (records map[netip.Addr]string, unlisted, err error) {
	service, err := t.access(ctx, "", false, nil)
	if err != nil {
		return nil, nil, err
	}
	listings, err := reconcile.List(ctx, service.client, service.servers, nil)
	if err != nil {
		return nil, nil, err
	}
	records = make(map[netip.Addr]string)
	for _, ptrs := range recordsOf(listings) {
		for addr, name := range ptrs {
			if name != "" && !edis.IsDefaultName(addr, name) {
				records[addr] = name
			}
		}
	}
	return records, listError(listings), nil
}

// namedRecords returns the records of files that have a host name.
func (t tool) namedRecords(ctx context.Context, options checkOptions) (map[netip.Addr]string, error) {
	set, err := t.readFiles(ctx, options.files, recordfile.Options{Origin: options.origin, AllowUnderscore: true})
	if err != nil {
		return nil, err
	}
	records := make(map[netip.Addr]string)
	for _, ptrs := range set.Records {
		for addr, name := range ptrs {
			if name != "" {
				records[addr] = name
			}
		}
	}
	return records, nil
}

// ofAddresses returns how many of the addresses a text is about.
func ofAddresses(some int, all []netip.Addr) string {
	if len(all) == 1 {
		return all[0].String()
	}
	return fmt.Sprintf("%d of %d addresses", some, len(all))
}

// dnsClient returns a client of the DNS server at address, or of those of the system if
// address is empty. Its lookups are limited by --timeout.
func (t tool) dnsClient(address string) (*fcrdns.DNSClient, error) {
	if address == "" {
		return &fcrdns.DNSClient{Timeout: t.flags.timeout}, nil
	}
	client, err := fcrdns.NewDNSClient(address)
	if err != nil {
		return nil, problems{&edis.InputError{Field: "--resolver", Value: address, Reason: "is not HOST or HOST:PORT"}}
	}
	client.Timeout = t.flags.timeout
	return client, nil
}

func newCheckJSON(result fcrdns.Result) checkJSON {
	check := checkJSON{result.Address, []string{}, result.Verdict != fcrdns.Undecided, result.Verdict == fcrdns.Confirmed, result.Reason}
	for _, name := range result.Names {
		text := name.Host
		if name.CNAME != "" { // a PTR record should not point to an alias
			text += " (alias of " + name.CNAME + ")"
		}
		check.Names = append(check.Names, text)
	}
	return check
}

func checkBody(results []fcrdns.Result, onlyProblems bool) render.Document {
	all := make([]checkJSON, len(results))
	table := [][]render.Cell{{{Text: "IP"}, {Text: "NAMES"}, {Text: "FCrDNS"}}}
	for i, result := range results {
		all[i] = newCheckJSON(result)
		if onlyProblems && all[i].Confirmed {
			continue
		}
		verdict := render.Cell{Text: "confirmed", Color: render.Green}
		if !all[i].Confirmed {
			verdict = render.Cell{Text: result.Reason, Color: render.Red}
		}
		table = append(table, []render.Cell{{Text: result.Address.String()}, {Text: strings.Join(all[i].Names, ", ")}, verdict})
	}
	body := render.Document{JSON: map[string]any{"results": all}}
	if !hasNoDNS(results) {
		body.Table = table
	}
	return body
}
