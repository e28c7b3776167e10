// Command edisptr sets the reverse DNS (PTR) records of KVM servers at EDIS
// Global from the command line. See "edisptr help", and package edis for use
// from Go.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	os.Exit(exec(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv))
}
