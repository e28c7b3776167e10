// Package edis manages the reverse DNS (PTR) records of KVM servers at EDIS Global
// through the provider's HTTP API.
//
// It follows the provider's published OpenAPI document: models and client are generated
// from it (package gen), calls go to the servers that it names, and every response is
// validated against it. The generated client cannot encode the form field ip, which holds
// JSON text; this package does.
//
//	client, err := edis.NewClient(nil)
//	...
//	account := client.Account(edis.Credentials{Email: email, Password: password})
//	err = client.SetPTR(ctx, account, map[netip.Addr]string{
//		netip.MustParseAddr("192.0.2.10"):   "mail.example.com",
//		netip.MustParseAddr("2001:db8::10"): "mail.example.com",
//	})
//	switch {
//	case err == nil: // confirmed by a valid response
//	case errors.Is(err, edis.ErrOutcomeUnknown): // read back
//	default: // nothing changed
//	}
//
// # Outcome
//
// A write ends in one of three ways: nil; an error that matches [ErrOutcomeUnknown]; or
// another error, and then nothing changed. Calls are retried where that may help; see
// [Options.MaxAttempts]. The outcome is that of all attempts together.
//
// # Secrets
//
// The password of an account and the signature of a [Session] are sent in the body of a
// request. So redirects are never followed, plain HTTP is allowed only on loopback, and
// no error or log record of this package shows a secret, even if the service echoes it.
//
// To test code that uses this package, see package edistest. To check the records
// as a resolver sees them, see package fcrdns.
package edis
