// Command edisptr manages the reverse DNS (PTR) records of KVM servers at EDIS
// Global. Run "edisptr help" for usage. For use from Go, see package edis.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills the program
	os.Exit(exec(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv))
}
