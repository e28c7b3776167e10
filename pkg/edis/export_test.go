package edis

import (
	"encoding/json"
	"net/netip"
	"net/url"
	"strconv"
)

// EncodePTRs does what SetPTR does before it sends, for the tests outside of the
// package.
func EncodePTRs(s Session, ptrs map[netip.Addr]string) ([]byte, error) {
	records, bad := canonicalPTRs(ptrs, false)
	if err := bad.err(); err != nil {
		return nil, err
	}
	return ptrForm(s, records), nil
}

// PlainForm encodes the same by encoding/json and net/url: what the form has to
// be, and how people write it by hand.
func PlainForm(s Session, ptrs map[string]string) (string, error) {
	ip, err := json.Marshal(ptrs)
	if err != nil {
		return "", err
	}
	form := url.Values{
		"ip":          {string(ip)},
		"kvm_id":      {s.KVMID},
		"signature":   {s.Signature},
		"valid_until": {strconv.FormatInt(s.ValidUntil.Unix(), 10)},
	}
	if s.APIHost != "" {
		form.Set("api_host", s.APIHost)
	}
	return form.Encode(), nil
}
