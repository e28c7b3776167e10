package edis_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/netip"

	"golang.org/x/sync/errgroup"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/edistest"
)

// An account with many servers needs one login. The records are set in parallel, 64 calls
// at a time.
func Example_manyServers() {
	server := edistest.NewServer()
	defer server.Close()
	credentials := addFleet(server, 100)
	client, err := edis.NewClient(server.Options())
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	account := client.Account(credentials)
	sessions, err := account.Sessions(ctx)
	if err != nil {
		log.Fatal(err)
	}
	var group errgroup.Group
	group.SetLimit(64)
	errs := make([]error, len(sessions))
	for i, session := range sessions {
		group.Go(func() error {
			name := fmt.Sprintf("host-%d.example.com", i)
			// Use account.Server, not the session, because the account renews it.
			err := client.SetPTR(ctx, account.Server(session.KVMID), map[netip.Addr]string{session.PrimaryIP: name})
			if err != nil {
				errs[i] = fmt.Errorf("%s: %w", session.KVMID, err) // and go on with the others
			}
			return nil
		})
	}
	_ = group.Wait()
	if err := errors.Join(errs...); err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(server.PTRs()))
	// Output: 100
}

// addFleet adds an account with the given number of servers to a fake EDIS.
func addFleet(server *edistest.Server, servers int) edis.Credentials {
	account := edistest.Account{Email: "fleet@example.com", Password: "fleet-password"}
	for i := range servers {
		account.KVMs = append(account.KVMs, edistest.KVM{
			ID:        fmt.Sprintf("kvm_%d", i),
			PrimaryIP: netip.AddrFrom4([4]byte{198, 18, byte(i / 256), byte(i % 256)}),
		})
	}
	server.AddAccount(account)
	return edis.Credentials{Email: account.Email, Password: edis.Secret(account.Password)}
}
