// Package edistest provides a fake of the EDIS reverse DNS service for tests and
// experiments, in the manner of net/http/httptest: the API over HTTP, and a DNS
// server that answers from the records set through it, both on loopback.
//
//	server := edistest.NewServer()
//	defer server.Close()
//	client, err := edis.NewClient(server.Options())
//	...
//	err = client.SetPTR(ctx, edis.Session(server.Session()), ptrs)
//
// Requests and usual responses are validated against the provider's OpenAPI
// document, so the fake cannot teach a habit that the document does not have. Where
// the document leaves something open, the fake does the simplest thing; see
// [Server.Fail] for the rest.
package edistest
