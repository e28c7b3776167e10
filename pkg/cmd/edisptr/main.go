// Command edisptr manages the reverse DNS (PTR) records of KVM servers at EDIS
// Global. Run "edisptr help" for usage. For use from Go, see package edis.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/edisptr/edis-go/pkg/cmd/edisptr/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills the program
	os.Exit(cli.Run(ctx, os.Args[1:], cli.IO{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Env: os.Getenv}))
}
