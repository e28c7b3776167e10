// Command bench runs the benchmarks of this module in many short rounds, in each
// of which what is compared runs next to each other, and prints their medians
// against the targets. It stands behind "make bench".
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	if err := exec(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func exec(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	rounds := flags.Int("rounds", 20, "how often each benchmark runs; the slow ones in one round of four")
	file := flags.String("results", "", "`FILE` to keep the results in, in the form that benchstat reads")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var results bytes.Buffer
	if err := run(ctx, *rounds, &results, stderr); err != nil {
		return err
	}
	if *file != "" {
		if err := os.WriteFile(*file, results.Bytes(), 0o600); err != nil {
			return err
		}
	}
	measured, err := read(&results)
	if err != nil {
		return err
	}
	if err := printTable(stdout, measured); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "\nMedians of %d rounds, one of %d for what takes seconds.\n"+
		"A figure is the median of the figures of each round. By hand is as in\n"+
		"pkg/edis/bare_test.go; of \"A against B\" it is B.\n", *rounds, oneOf)
	return err
}
