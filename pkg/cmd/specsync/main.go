// Command specsync keeps this module in step with the provider's published
// OpenAPI document. "specsync check" says what a newer document changes for us;
// "specsync update" takes it in. They stand behind "make spec-check" and
// "make spec-update".
package main

import (
	"context"
	"net/http"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	os.Exit(exec(ctx, os.Args[1:], os.Stdout, os.Stderr, tools{client: http.DefaultClient, run: runCommand}))
}
