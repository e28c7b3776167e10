package edis

import (
	"encoding/json"
	"net/netip"
	"net/url"

	"github.com/edisptr/edis-go/gen"
)

// EncodePTRs returns the form that SetPTR sends.
func EncodePTRs(s Session, ptrs map[netip.Addr]string) ([]byte, error) {
	ip, bad := canonicalPTRs(ptrs, false)
	if err := bad.err(); err != nil {
		return nil, err
	}
	return encodeForm(gen.SetPTRForm{APIHost: s.APIHost, IP: ip, KVMID: s.KVMID, Signature: s.Signature, ValidUntil: s.validUntil()})
}

// PlainForm returns the same form as EncodePTRs, encoded with encoding/json and
// net/url.
func PlainForm(s Session, ptrs map[netip.Addr]string) (string, error) {
	records := make(map[string]string, len(ptrs))
	for address, name := range ptrs {
		records[address.String()] = name
	}
	ip, err := json.Marshal(records)
	if err != nil {
		return "", err
	}
	form := url.Values{
		"ip":          {string(ip)},
		"kvm_id":      {s.KVMID},
		"signature":   {s.Signature},
		"valid_until": {s.validUntil()},
	}
	if s.APIHost != "" {
		form.Set("api_host", s.APIHost)
	}
	return form.Encode(), nil
}
