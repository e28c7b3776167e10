package edis

import (
	"bytes"
	"net/netip"
	"net/url"
	"strconv"

	"github.com/edisptr/edis-go/pkg/internal/canonical"
)

// JSON punctuation, percent-encoded as net/url does it.
const (
	quote = "%22"
	comma = "%2C"
	colon = "%3A"
)

// ptrForm encodes the request of setPTR, and without names that of getPTR and
// deletePTR. Equal input gives equal bytes: the fields are sorted by name, as
// url.Values.Encode sorts them, and so are the records.
//
// The value of ip is JSON text in a form value. It needs no escaping beyond the
// punctuation, because canonicalPTRs lets nothing through that JSON or the form
// would escape; FuzzPTRForm holds this against encoding/json and net/url.
func ptrForm(s Session, r canonical.Records) []byte {
	// A size that the form just fits in, so that it takes one buffer.
	size := 128 + len("%00")*(len(s.APIHost)+len(s.KVMID)+len(s.Signature))
	for _, record := range r.List {
		size += len(quote+quote+colon+quote+quote+comma) + addressSize(record.Address) + len(record.Name)
	}
	form := make([]byte, 0, size)
	if s.APIHost != "" {
		form = appendField(form, "api_host", s.APIHost)
	}
	form = appendIP(appendField(form, "ip", ""), r)
	form = appendField(form, "kvm_id", s.KVMID)
	form = appendField(form, "signature", s.Signature)
	return strconv.AppendInt(appendField(form, "valid_until", ""), s.ValidUntil.Unix(), 10)
}

// loginForm encodes the request of createAuthSession.
func loginForm(c Credentials) []byte {
	form := appendField(nil, "email", c.Email)
	if c.KVMID != "" {
		form = appendField(form, "kvm_id", c.KVMID)
	}
	return appendField(form, "pw", c.Password)
}

func appendField(form []byte, name, value string) []byte {
	if len(form) > 0 {
		form = append(form, '&')
	}
	form = append(append(form, name...), '=')
	return append(form, url.QueryEscape(value)...)
}

// appendIP appends {"address":"name",...}, or ["address",...] where there are no
// names.
func appendIP(form []byte, r canonical.Records) []byte {
	before, end := "%7B"+quote, quote+"%7D" // of an object
	if r.List[0].Name == "" {
		before, end = "%5B"+quote, quote+"%5D" // of a list
	}
	for record := range r.All() {
		form = appendAddress(append(form, before...), record.Address)
		if record.Name != "" {
			form = append(append(form, quote+colon+quote...), record.Name...)
		}
		before = quote + comma + quote
	}
	return append(form, end...)
}

// appendAddress appends an address: the colon is all that needs escaping.
func appendAddress(form []byte, address netip.Addr) []byte {
	if address.Is4() {
		return address.AppendTo(form)
	}
	var buffer [64]byte
	group, rest, more := bytes.Cut(address.AppendTo(buffer[:0]), []byte(":"))
	for more {
		form = append(append(form, group...), colon...)
		group, rest, more = bytes.Cut(rest, []byte(":"))
	}
	return append(form, group...)
}

// addressSize is how many bytes appendAddress appends.
func addressSize(address netip.Addr) int {
	var buffer [128]byte
	return len(appendAddress(buffer[:0], address))
}
