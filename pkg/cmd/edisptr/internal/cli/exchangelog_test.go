package cli

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/url"
	"syscall"
	"testing"
)

// A report says why there was no response, without the addresses in the error.
func TestDescribeFailure(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"refused":     {connectionError("dial", syscall.ECONNREFUSED), "no response: connection refused"},
		"lookup":      {connectionError("dial", &net.DNSError{Err: "no such host", Server: "192.0.2.53", IsTimeout: true}), "no response: the lookup of the host failed"},
		"timeout":     {connectionError("read", timeoutError{}), "no response: timeout"},
		"proxy":       {connectionError("proxyconnect", syscall.ECONNREFUSED), "no connection to the proxy: connection refused"},
		"certificate": {&url.Error{Err: &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}}, "no response: the certificate is not trusted"},
		"other":       {errors.New("read tcp 192.0.2.1:1->192.0.2.2:2: broken"), "no response"},
	} {
		if got := describeFailure(test.err); got != test.want {
			t.Errorf("%s: describeFailure(%v) = %q, want %q", name, test.err, got, test.want)
		}
	}
}
