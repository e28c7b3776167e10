// Package edis sets the reverse DNS (PTR) records of KVM servers at EDIS Global
// over the provider's HTTP API.
//
// The request and the answers are those of the provider's published OpenAPI
// document: models and client are generated from it (package gen), its server
// is where calls go, and every answer is checked against it before it counts.
// What generated code gets wrong on this document, package edis does by hand:
// the form field ip holds JSON text.
//
//	client, err := edis.NewClient(nil)
//	...
//	err = client.SetPTR(ctx, session, map[netip.Addr]string{
//		netip.MustParseAddr("192.0.2.10"):   "mail.example.com",
//		netip.MustParseAddr("2001:db8::10"): "mail.example.com",
//	})
//	switch {
//	case err == nil: // confirmed by a valid answer
//	case errors.Is(err, edis.ErrOutcomeUnknown): // read back, or set again
//	default: // nothing has changed
//	}
//
// # Outcome
//
// A write ends in one of three ways: nil; an error that matches
// [ErrOutcomeUnknown]; or another error, and then nothing has changed.
//
// # Secrets
//
// The signature of a [Session] travels in the body of a request. So redirects
// are refused rather than followed, plain http is refused but on loopback, and
// no error, log line or printed value shows it, even if the service echoes it.
//
// To test code that uses this package, see package edistest.
package edis
