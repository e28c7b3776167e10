package edis_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/edisptr/edis-go/pkg/edis"
)

// handWritten is what a user would write without this package. It is the baseline of
// the benchmarks and checks nothing but the status.
type handWritten struct {
	client *http.Client
	url    string
}

func (h handWritten) setPTR(ctx context.Context, s edis.Session, ptrs map[netip.Addr]string) error {
	form, err := plainForm(s, ptrs)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url+"/set/ptr", strings.NewReader(form))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := h.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	var success struct{ Status, Message string }
	if err := json.Unmarshal(body, &success); err != nil {
		return err
	}
	if success.Status != "success" {
		return fmt.Errorf("HTTP %d: %s", response.StatusCode, success.Message)
	}
	return nil
}

// plainForm returns the form that SetPTR sends, made with encoding/json and net/url.
func plainForm(s edis.Session, ptrs map[netip.Addr]string) (string, error) {
	records := make(map[string]string, len(ptrs))
	for address, name := range ptrs {
		records[address.String()] = name
	}
	ip, err := json.Marshal(records)
	if err != nil {
		return "", err
	}
	return url.Values{
		"api_host":    {s.APIHost},
		"ip":          {string(ip)},
		"kvm_id":      {s.KVMID},
		"signature":   {string(s.Signature)},
		"valid_until": {strconv.FormatInt(s.ValidUntil.Unix(), 10)},
	}.Encode(), nil
}
