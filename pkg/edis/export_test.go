package edis

import (
	"encoding/json"
	"net/netip"
	"net/url"

	"github.com/edisptr/edis-go/gen"
)

// EncodePTRs does what SetPTR does before it sends, for the tests outside of the
// package.
func EncodePTRs(s Session, ptrs map[netip.Addr]string) ([]byte, error) {
	ip, bad := canonicalPTRs(ptrs, false)
	if err := bad.err(); err != nil {
		return nil, err
	}
	return encodeForm(gen.SetPTRForm{APIHost: s.APIHost, IP: ip, KVMID: s.KVMID, Signature: s.Signature, ValidUntil: s.validUntil()})
}

// PlainForm encodes the same with encoding/json and net/url: what the form has to
// be, and how one writes it by hand.
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
