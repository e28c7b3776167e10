// Package edistest provides a fake of the EDIS reverse DNS service for tests
// and for trying things out, in the manner of net/http/httptest: the API over
// HTTP, and a DNS server that answers from the records set through it, both on
// loopback.
//
//	server := edistest.NewServer()
//	defer server.Close()
//	client, err := edis.NewClient(&edis.Options{RDNSURL: server.URL, AuthURL: server.URL})
//	...
//	err = client.SetPTR(ctx, edis.Session(server.Session()), ptrs)
//
// Requests are checked against the provider's OpenAPI document, as far as the
// document goes, and so is every answer of an operation before it is sent: the
// fake cannot teach a habit that the document does not. What the document leaves
// open, the fake does in the simplest way; see [Server.Fail] for the others.
package edistest
