// Package edis manages the reverse DNS (PTR) records of KVM servers at EDIS Global
// through the provider's HTTP API.
//
// It follows the provider's OpenAPI document, here called the API document: models and
// client are generated from it (package gen), calls go to the servers that it names, and
// every response is validated against it. The generated client cannot encode the form
// field ip, which contains JSON text; this package does.
//
//	client, err := edis.NewClient(nil)
//	...
//	account := client.Account(edis.Credentials{Email: email, Password: password})
//	err = client.SetPTR(ctx, account, map[netip.Addr]string{
//		netip.MustParseAddr("192.0.2.10"):   "mail.example.com",
//		netip.MustParseAddr("2001:db8::10"): "mail.example.com",
//	})
//	switch edis.OutcomeOf(err) {
//	case edis.OutcomeDone:
//		// Confirmed by a valid response.
//	case edis.OutcomeNotSent, edis.OutcomeUnchanged:
//		// Nothing changed; err says why.
//	default:
//		// The records may have changed: read them back.
//	}
//
// To test code that uses this package, see package edistest. To check the records
// as a resolver sees them, see package fcrdns.
//
// # Outcome
//
// What a call did to the records is one question, and [OutcomeOf] answers it. Why a call
// failed is another, and the sentinels answer that. OutcomeOf never says more than is
// certain: what it does not know is [OutcomeUnknown], and so is every error that another
// package made or that lost its cause. So make the unknown outcome the default of a
// switch.
//
// A status of 401 or 429 rejects a whole call. Any other 4xx status means that nothing
// changed only if the call was for one record: it is not documented whether the service
// applies some records of a call and refuses others. Statuses 408, 460 and 499 are from a
// server that gave up waiting, so they leave the outcome unknown.
//
//	error matches        outcome of a write    what to do
//	ErrInvalidInput      not sent              correct the value that it names
//	ErrSessionExpired    not sent              log in, or use an Account
//	ErrLoginRefused      not sent, unchanged   check the credentials and API access; do not repeat
//	ErrUnauthorized      not sent, unchanged   log in again; an Account has done so
//	ErrRateLimited       unchanged             wait for RetryAfter, then repeat
//	ErrServer            unknown               read back; repeat what is missing
//	ErrRedirect          unknown               check the URL; read back
//	ErrResponseTooLarge  unknown               read back
//	ErrContract          unknown               read back; report it
//	an APIError, 4xx     unchanged, unknown    correct the call; read back if unknown
//	none of these        not sent, unknown     the network failed: see Retryable
//
// An attempt before may have left the outcome unknown whatever the last one says. An error
// may match several sentinels: ErrLoginRefused comes with ErrUnauthorized if the status
// was 401, and ErrContract comes with an APIError if a documented failure has an
// unexpected body. Then the outcome is that of the status.
//
// # Retries
//
// Reads and writes are retried after failures that may pass, those with
// [CallError.Retryable]. A login is retried only if it was not sent. The pause before a
// retry is random, up to 0.5 seconds at first, doubling up to 5 seconds, or as long as the
// service asks for. There is no retry if the service asks for more than 30 seconds, or if
// the context would end during the pause. After status 401 a call with the new session of
// a [Renewer] starts over.
//
// # Sessions
//
// An [Account] logs in when a session is first needed, one minute before one expires, and
// after the service rejects one. A login that the service refuses is final: from then on
// the Account returns its error. After any other failure, the first call after a pause logs
// in again. The pause is 1 second, doubling with each failure up to 1 minute, or what
// Retry-After asks for, up to 1 hour. Until it ends, the Account returns the last error. A
// session that has not expired stays in use.
//
// If a login has no usable session for a server, the Account believes that for ten
// minutes. So a new server is seen after that time.
//
// # Secrets
//
// The password of an account and the signature of a [Session] have the type [Secret],
// which prints as "[redacted]". They are sent in the body of a request, so redirects are
// never followed, and plain HTTP is allowed only on loopback. A text of the service that
// repeats a secret of the call is withheld. Nothing of the response to a login is shown
// but the message of a failure.
package edis
