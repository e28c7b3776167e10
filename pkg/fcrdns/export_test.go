package fcrdns

import "context"

// NewDNSClientOf returns a client of several servers, as a system can have.
func NewDNSClientOf(addresses ...string) *DNSClient { return &DNSClient{addresses: addresses} }

// Servers returns the servers that a client asks.
func Servers(ctx context.Context, client *DNSClient) ([]string, error) { return client.servers(ctx) }
