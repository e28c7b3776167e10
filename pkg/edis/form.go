package edis

import (
	"net/url"
	"strconv"
	"strings"
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
// punctuation, because canonicalRecords lets nothing through that JSON or the
// form would escape; FuzzPTRForm holds this against encoding/json and net/url.
func ptrForm(s Session, records []record) []byte {
	// A size that the form just fits in, so that it takes one buffer.
	size := 128 + len("%00")*(len(s.APIHost)+len(s.KVMID)+len(s.Signature))
	for _, r := range records {
		size += len(quote+quote+colon+quote+quote+comma) + len(r.address) + 2*strings.Count(r.address, ":") + len(r.name)
	}
	form := make([]byte, 0, size)
	if s.APIHost != "" {
		form = appendField(form, "api_host", s.APIHost)
	}
	form = appendIP(appendField(form, "ip", ""), records)
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
func appendIP(form []byte, records []record) []byte {
	open, end := "%7B", "%7D" // of an object
	if records[0].name == "" {
		open, end = "%5B", "%5D" // of a list
	}
	form = append(form, open...)
	for i, r := range records {
		if i > 0 {
			form = append(form, comma...)
		}
		form = append(form, quote...)
		form = appendAddress(form, r.address)
		if r.name != "" {
			form = append(form, quote+colon+quote...)
			form = append(form, r.name...)
		}
		form = append(form, quote...)
	}
	return append(form, end...)
}

// appendAddress appends an address: the colon is all that needs escaping.
func appendAddress(form []byte, address string) []byte {
	for i := range len(address) {
		if address[i] == ':' {
			form = append(form, colon...)
		} else {
			form = append(form, address[i])
		}
	}
	return form
}
