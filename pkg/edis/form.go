package edis

import (
	"net/url"
	"strconv"
	"strings"
)

// formContentType is the media type of every request of the API.
const formContentType = "application/x-www-form-urlencoded"

// JSON punctuation, percent-encoded as net/url does it.
const (
	openObject  = "%7B"
	closeObject = "%7D"
	quote       = "%22"
	comma       = "%2C"
	colon       = "%3A"
)

// setPTRForm encodes the request of setPTR. Equal input gives equal bytes: the
// fields are sorted by name, as url.Values.Encode sorts them, and so are the
// records.
//
// The value of ip is JSON text in a form value. It needs no escaping beyond the
// punctuation, because canonicalRecords lets nothing through that JSON or the
// form would escape; FuzzSetPTRForm holds this against encoding/json and
// net/url.
func setPTRForm(s Session, records []record) []byte {
	form := make([]byte, 0, setPTRFormSize(s, records))
	if s.APIHost != "" {
		form = append(form, "api_host="...)
		form = append(form, url.QueryEscape(s.APIHost)...)
		form = append(form, '&')
	}
	form = append(form, "ip="...)
	form = appendIPObject(form, records)
	form = append(form, "&kvm_id="...)
	form = append(form, url.QueryEscape(s.KVMID)...)
	form = append(form, "&signature="...)
	form = append(form, url.QueryEscape(s.Signature)...)
	form = append(form, "&valid_until="...)
	return strconv.AppendInt(form, s.ValidUntil.Unix(), 10)
}

// appendIPObject appends {"address":"name",...}.
func appendIPObject(form []byte, records []record) []byte {
	form = append(form, openObject...)
	for i, r := range records {
		if i > 0 {
			form = append(form, comma...)
		}
		form = append(form, quote...)
		form = appendAddress(form, r.address)
		form = append(form, quote+colon+quote...)
		form = append(form, r.name...)
		form = append(form, quote...)
	}
	return append(form, closeObject...)
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

// setPTRFormSize is a size that the form of these records just fits in, so that
// it takes one buffer.
func setPTRFormSize(s Session, records []record) int {
	const (
		names       = len("api_host=&ip=&kvm_id=&signature=&valid_until=") + len("9223372036854775807")
		punctuation = len(quote+quote+colon+quote+quote) + len(comma)
		perByte     = len("%00") // at the most
		perColon    = len(colon) - len(":")
	)
	size := names + len(openObject+closeObject) + perByte*(len(s.APIHost)+len(s.KVMID)+len(s.Signature))
	for _, r := range records {
		size += punctuation + len(r.address) + perColon*strings.Count(r.address, ":") + len(r.name)
	}
	return size
}
