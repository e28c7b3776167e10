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

// handWritten is what a competent user writes without this package: the measure of the
// benchmarks. It checks nothing but the status.
type handWritten struct {
	client *http.Client
	url    string
}

func (b handWritten) setPTR(ctx context.Context, s edis.Session, ptrs map[netip.Addr]string) error {
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
	var success struct{ Status, Message string }
	if err := json.Unmarshal(body, &success); err != nil {
		return err
	}
	if success.Status != "success" {
		return fmt.Errorf("HTTP %d: %s", response.StatusCode, success.Message)
	}
	return nil
}

// manyPTRs returns so many records of one network.
func manyPTRs(count int) map[netip.Addr]string {
	ptrs := make(map[netip.Addr]string, count)
	for i := range count {
		ptrs[netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})] = fmt.Sprintf("host-%d.example.com", i)
	}
	return ptrs
}
