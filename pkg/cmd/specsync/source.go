package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

const (
	// maxSize is far above the 0.2 MB of the provider's whole document.
	maxSize      = 16 << 20
	fetchTimeout = 30 * time.Second
)

// read returns the content of a file or of an https address.
func (a *app) read(ctx context.Context, spec string) ([]byte, error) {
	var source io.ReadCloser
	var err error
	switch {
	case spec == "":
		return nil, errors.New("SPEC is empty: want a file or an https address")
	case strings.Contains(spec, "://"):
		ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
		defer cancel()
		source, err = a.fetch(ctx, spec)
	default:
		source, err = os.Open(spec) //nolint:gosec // the caller names the file
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = source.Close() }()
	content, err := io.ReadAll(io.LimitReader(source, maxSize+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", spec, err)
	case len(content) > maxSize:
		return nil, fmt.Errorf("%s: larger than %d MB", spec, maxSize>>20)
	}
	return content, nil
}

// fetch asks for an https address, and follows redirects to such only: what
// comes back ends up in the code of all who import us.
func (a *app) fetch(ctx context.Context, address string) (io.ReadCloser, error) {
	parsed, err := url.Parse(address)
	switch {
	case err != nil:
		return nil, err
	case parsed.Scheme != "https" || parsed.Host == "":
		return nil, fmt.Errorf("%s: want an https address", address)
	}
	client := *a.client
	client.CheckRedirect = func(next *http.Request, via []*http.Request) error {
		if next.URL.Scheme != "https" || len(via) > 5 {
			return fmt.Errorf("redirect to %s refused: want https, and few of them", next.URL)
		}
		return nil
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		_ = response.Body.Close()
		return nil, fmt.Errorf("%s: answered %s, want 200 OK", address, response.Status)
	}
	return response.Body, nil
}
