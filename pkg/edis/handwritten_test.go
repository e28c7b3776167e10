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

// handWritten is what a user would write without this package. It is the baseline of
// the benchmarks and checks nothing but the status.
type handWritten struct {
	client *http.Client
	url    string
}

func (h handWritten) setPTR(ctx context.Context, s edis.Session, ptrs map[netip.Addr]string) error {
	form, err := edis.PlainForm(s, ptrs)
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

// manyPTRs returns count records in 10.0.0.0/8.
func manyPTRs(count int) map[netip.Addr]string {
	ptrs := make(map[netip.Addr]string, count)
	for i := range count {
		ptrs[netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})] = fmt.Sprintf("host-%d.example.com", i)
	}
	return ptrs
}
