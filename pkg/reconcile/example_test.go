package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/netip"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/edistest"
	"github.com/edisptr/edis-go/pkg/reconcile"
)

// keepRecords reconciles every minute until ctx ends or the service refuses the login. It
// returns why it ended.
func keepRecords(ctx context.Context, client *edis.Client, account *edis.Account, desired reconcile.Records) error {
	for {
		pause := time.Minute
		changes, err := reconcileOnce(ctx, client, account, desired)
		for _, change := range changes {
			if change.State == reconcile.StateSet || change.State == reconcile.StateDeleted {
				fmt.Println(change.Addr, change.State, change.To)
			}
		}
		var failed *edis.CallError
		if errors.As(err, &failed) {
			invalid := failed.Op != "apply" && errors.Is(err, edis.ErrInvalidInput)
			if invalid || errors.Is(err, edis.ErrLoginRefused) {
				return err // repeating it would not help, and could lock the account
			}
			log.Print(err)
			pause = max(pause, failed.RetryAfter) // the next round has a new plan, whatever the outcome
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

func reconcileOnce(ctx context.Context, client *edis.Client, account *edis.Account, desired reconcile.Records) ([]reconcile.Change, error) {
	servers, err := reconcile.Servers(ctx, account)
	if err != nil {
		return nil, err
	}
	plan, err := reconcile.NewPlan(ctx, client, servers, desired, nil)
	if err != nil {
		return nil, err
	}
	return plan.Apply(ctx)
}

// A controller reconciles every minute until its context ends. A server that fails does
// not stop the others, and the next round settles an unknown outcome.
func Example() {
	server := edistest.NewServer() // in place of EDIS
	defer server.Close()
	client, err := edis.NewClient(server.Options())
	if err != nil {
		log.Fatal(err)
	}
	account := client.Account(server.Credentials())
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err = keepRecords(ctx, client, account, reconcile.Records{
		"": {netip.MustParseAddr("192.0.2.10"): "Mail.Bücher.Example."},
	})
	fmt.Println(err)
	// Output:
	// 192.0.2.10 set mail.xn--bcher-kva.example
	// context deadline exceeded
}

// A stored session makes a login unnecessary.
func ExampleServer() {
	server := edistest.NewServer() // in place of EDIS
	defer server.Close()
	client, err := edis.NewClient(server.Options())
	if err != nil {
		log.Fatal(err)
	}
	stored := server.Session() // from a file, for example
	plan, err := reconcile.NewPlan(context.Background(), client, []reconcile.Server{{Session: stored}}, reconcile.Records{
		stored.KVMID: {netip.MustParseAddr("192.0.2.10"): "mail.example.com"},
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, change := range plan.Changes() {
		fmt.Println(change.Addr, change.State, change.To)
	}
	// Output:
	// 192.0.2.10 planned mail.example.com
}
