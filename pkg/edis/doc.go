// Package edis manages the reverse DNS (PTR) records of KVM servers at EDIS Global
// through the provider's HTTP API.
//
// It follows the provider's OpenAPI document, called the API document below. The models
// and the client are generated from it (package gen). Calls go to the servers that it
// names, and every response is validated against it. The generated client cannot encode
// the form field ip, which contains JSON text. This package does.
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
//		// Nothing changed, and err says why.
//	default:
//		// The records may have changed. Read them back.
//	}
//
// To test code that uses this package, see package edistest. To check the records as a
// resolver sees them, see package fcrdns.
//
// # Outcome
//
// What a call did to the records and why it failed are separate questions. [OutcomeOf]
// answers the first, and the sentinels answer the second. OutcomeOf never says more than
// is certain. It returns [OutcomeUnknown] for everything else, including errors that
// another package made and errors that lost their cause. So make the unknown outcome the
// default of a switch.
//
// A status of 401 or 429 rejects a whole call. Any other 4xx status means that nothing
// changed only if the call was for one record. For several records the outcome is
// unknown, because it is not documented whether the service applies some records of a
// call and refuses others. Statuses 408, 460 and 499 come from a server that gave up
// waiting, so they leave the outcome unknown.
//
//	error matches        outcome of a write    what to do
//	ErrInvalidInput      not sent              correct the value that it names
//	ErrSessionExpired    not sent              log in, or use an Account
//	ErrLoginRefused      not sent, unchanged   check credentials and API access, do not repeat
//	ErrUnauthorized      not sent, unchanged   log in again, which an Account has done
//	ErrRateLimited       unchanged             wait for RetryAfter, then repeat
//	ErrServer            unknown               read back, repeat what is missing
//	ErrRedirect          unknown               check the URL, read back
//	ErrResponseTooLarge  unknown               read back
//	ErrContract          unknown               read back, report it
//	an APIError, 4xx     unchanged, unknown    correct the call, read back if unknown
//	none of these        not sent, unknown     the network failed, see Retryable
//
// If an earlier attempt left the outcome unknown, it stays unknown, whatever the last
// attempt says. If a login for a write fails, the write is not sent or changed nothing,
// whatever the error of the login matches.
//
// An error may match several sentinels. ErrLoginRefused comes with ErrUnauthorized if the
// status was 401. ErrContract comes with an APIError if a documented failure has an
// unexpected body. Then the outcome is that of the status.
//
// # Retries
//
// Reads and writes are retried after failures that may pass, which [CallError.Retryable]
// reports. A login is retried only if it was not sent.
//
// The pause before a retry is random. It is up to 0.5 seconds at first, and up to twice
// as long before each further retry, but at most 5 seconds. It is longer if the service
// asks for that. There is no retry if the service asks for more than 30 seconds, or if
// the context would end during the pause.
//
// After status 401, a call whose session source is a [Renewer] starts over with a new
// session. It may then make as many attempts again.
//
// # Sessions
//
// An [Account] logs in when a session is first needed, one minute before one expires, and
// after the service rejects one. A session whose lifetime is less than two minutes is
// renewed after half of it.
//
// A login that the service refuses is final. From then on the Account returns its error.
// After any other failure, the first call after a pause logs in again. The pause is 1
// second, doubling with each failure up to 1 minute. It is longer if Retry-After asks for
// that, up to 1 hour. Until the pause ends, the Account returns the last error. The same
// pause follows the login that replaces a rejected session. A session that has not
// expired stays in use.
//
// If a login has no usable session for a server, the Account logs in for that server
// again only after ten minutes. So it may take that long to see a new server.
//
// # Secrets
//
// The password of an account and the signature of a [Session] have the type [Secret],
// which prints as "[redacted]". They are sent in the body of a request, so redirects are
// never followed, and plain HTTP is allowed only on loopback. If a text of the service
// repeats a secret of the call, the text is withheld. Of the response to a login,
// errors show only the message of a failure, and the IDs and descriptions of servers.
//
// # HTTP client
//
// If Options.HTTPClient is set, its Timeout and Jar apply. Redirects are never followed,
// whatever its CheckRedirect says. Its Transport must not repeat requests by itself,
// because the outcome of a hidden retry cannot be determined.
//
// # Logging
//
// Options.Logger receives a debug record for each attempt. The record contains the
// operation, the base URL, the KVM ID, the number of the attempt and its duration. It
// also contains the status and size of the response, and the outcome and error of a
// failure. The Logger receives a warning if only the content type of a response is wrong.
// It never receives a secret.
package edis
