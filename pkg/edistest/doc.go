// Package edistest provides a fake of the EDIS reverse DNS service for tests and
// experiments, in the manner of net/http/httptest. It serves the API over HTTP. A DNS
// server serves the records that are set through the API. Both are on loopback.
//
//	server := edistest.NewServer()
//	defer server.Close()
//	client, err := edis.NewClient(server.Options())
//	...
//	err = client.SetPTR(ctx, server.Session(), ptrs)
//
// A test may use [NewTestServer] instead, which is in memory only and also works in
// synthetic time (testing/synctest).
//
// Requests and usual responses are validated against the provider's OpenAPI document,
// called the API document below. So code cannot come to depend on what the document does
// not describe. Where the document leaves something open, the fake does the simplest
// thing. For failures, see [Server.Fail], [Server.FailAlways] and
// [Server.ExpireSessions].
package edistest
