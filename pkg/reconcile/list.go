package reconcile

import (
	"context"
	"net/netip"

	"github.com/edisptr/edis-go/pkg/edis"
)

// A Listing contains the records that the service has for one server.
type Listing struct {
	// Server is the server.
	Server Server
	// Records are its records, as edis.Client.ListPTR returns them.
	Records map[netip.Addr]string
	// Err is why they could not be listed, or nil.
	Err error
}

// List lists the records of several servers in parallel and returns them in the order of
// the given servers. Of the options it uses Parallel and Progress, which counts servers.
// It fails if the service refuses a login, or ctx is done. Any other failure concerns one
// server and is in its Listing.
func List(ctx context.Context, client *edis.Client, servers []Server, options *Options) ([]Listing, error) {
	p := newPlan(client, servers, options)
	p.forEach(ctx, p.servers, func(ctx context.Context, s *server) error {
		defer p.reports.add(1)
		return p.list(ctx, s)
	})
	if err := p.fatal(ctx, "list"); err != nil {
		return nil, err
	}
	listings := make([]Listing, len(servers))
	for i, s := range p.servers {
		listings[i] = Listing{servers[i], s.list, s.listErr}
	}
	return listings, nil
}
