package edis_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"

	"github.com/edisptr/edis-go/pkg/edis"
)

// bare is what a competent user writes without this package: the measure of the
// benchmarks. It checks nothing but the status.
type bare struct {
	client *http.Client
	url    string
}

func (b bare) setPTR(ctx context.Context, s edis.Session, ptrs map[string]string) error {
	form, err := edis.PlainForm(s, ptrs)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, b.url+"/set/ptr", strings.NewReader(form))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := b.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	var answer struct{ Status, Message string }
	if err := json.Unmarshal(body, &answer); err != nil {
		return err
	}
	if answer.Status != "success" {
		return fmt.Errorf("HTTP %d: %s", response.StatusCode, answer.Message)
	}
	return nil
}

// manyPTRs are so many records of one network, and the same as bare takes them.
func manyPTRs(count int) (ptrs map[netip.Addr]string, texts map[string]string) {
	ptrs, texts = make(map[netip.Addr]string, count), make(map[string]string, count)
	for i := range count {
		address := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		name := fmt.Sprintf("host-%d.example.com", i)
		ptrs[address], texts[address.String()] = name, name
	}
	return ptrs, texts
}
