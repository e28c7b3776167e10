// Package edis reads and sets the reverse DNS (PTR) records of KVM servers at
// EDIS Global over the provider's HTTP API.
//
// It follows the provider's published OpenAPI document: models and client are
// generated from it (package gen), calls go to the servers that it names, and
// every answer is checked against it before it counts. The generated client
// cannot encode the form field ip, which holds JSON text; this package does.
//
//	client, err := edis.NewClient(nil)
//	...
//	source := client.LoginSource(edis.Credentials{Email: email, Password: password})
//	err = client.SetPTR(ctx, source, map[netip.Addr]string{
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
// [ErrOutcomeUnknown]; or another error, and then nothing has changed. Calls are
// tried again where that may help, see [Options.MaxAttempts]; the outcome is
// that of all attempts together.
//
// # Secrets
//
// The password of an account and the signature of a [Session] travel in the body
// of a request. So redirects are refused rather than followed, plain http is
// refused but on loopback, and no error or log record of this package shows
// them, even if the service echoes them.
//
// To test code that uses this package, see package edistest. To check what a
// resolver makes of the records, see package fcrdns.
package edis
