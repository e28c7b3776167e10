package edis_test

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/edisptr/edis-go/pkg/edis"
)

// wantInvalidOptions fails the test unless NewClient refuses the options with exactly one
// InputError for each of these fields, and shows no secret.
func wantInvalidOptions(t *testing.T, options edis.Options, fields ...string) {
	t.Helper()
	client, err := edis.NewClient(&options)
	wantErrorIs(t, err, edis.ErrInvalidInput)
	if client != nil || errors.As(err, new(*edis.CallError)) || !strings.HasPrefix(err.Error(), "edis: Options.") {
		t.Errorf("NewClient(%+v) = %v, %v, want no client and an error that is no CallError", options, client, err)
	}
	var got []string
	walk(err, func(cause error) {
		if input, ok := cause.(*edis.InputError); ok { //nolint:errorlint // walks the tree
			got = append(got, input.Field)
		}
		if strings.Contains(cause.Error(), "hunter2") {
			t.Errorf("NewClient = %v, want it without the password", cause)
		}
	})
	if slices.Sort(got); !slices.Equal(got, slices.Sorted(slices.Values(fields))) {
		t.Errorf("NewClient(%+v) = %v, want an InputError of each of %v", options, err, fields)
	}
}

// Secrets go to https, or to this machine.
func TestBaseURLsAreChecked(t *testing.T) {
	t.Parallel()
	const valid = "https://valid.example"
	for _, baseURL := range []string{
		"http://a.example", "http://192.0.2.1", "http://[2001:db8::1]", "http://notlocalhost", "http://localhost.example", "http://127.0.0.1.example",
		"http://a.localhost.", "http://10.0.0.1:80", "http://0.0.0.0",
		"ftp://a.example", "ftp://127.0.0.1", "a.example", "//a.example", "https://", "https:///set/ptr", "https:a.example", " https://a.example", "https://a b", "://",
		"https://user:hunter2@a.example", "https://hunter2@a.example", "http://hunter2@127.0.0.1", "https://a.example?token=hunter2", "https://a.example?", "https://a.example#hunter2",
		"https://a.example/%zz@hunter2",
	} {
		wantInvalidOptions(t, edis.Options{RDNSURL: baseURL, AuthURL: valid}, "Options.RDNSURL")
		wantInvalidOptions(t, edis.Options{RDNSURL: valid, AuthURL: baseURL}, "Options.AuthURL")
	}
	for _, baseURL := range []string{"http://127.0.0.1:1", "http://127.1.2.3", "http://[::1]:1/base", "http://localhost", "http://LOCALHOST:1", "https://a.example:444/base/", "https://192.0.2.1", "HTTPS://a.example"} {
		for _, options := range []edis.Options{{RDNSURL: baseURL, AuthURL: valid}, {RDNSURL: valid, AuthURL: baseURL}} {
			if _, err := edis.NewClient(&options); err != nil {
				t.Errorf("NewClient with %q = %v", baseURL, err)
			}
		}
	}
}

// A test that sets one of the URLs must not send a password to the real service.
func TestOneURLAloneIsRefused(t *testing.T) {
	t.Parallel()
	wantInvalidOptions(t, edis.Options{RDNSURL: "http://127.0.0.1:1"}, "Options.AuthURL")
	wantInvalidOptions(t, edis.Options{AuthURL: "http://127.0.0.1:1"}, "Options.RDNSURL")
}

func TestNegativeOptionsAreRefused(t *testing.T) {
	t.Parallel()
	wantInvalidOptions(t, edis.Options{Timeout: -1}, "Options.Timeout")
	wantInvalidOptions(t, edis.Options{MaxAttempts: -1}, "Options.MaxAttempts")
	wantInvalidOptions(t, edis.Options{MaxResponseBytes: -1}, "Options.MaxResponseBytes")
	wantInvalidOptions(t, edis.Options{Timeout: -1, MaxAttempts: -1, MaxResponseBytes: -1, RDNSURL: "http://a.example"},
		"Options.Timeout", "Options.MaxAttempts", "Options.MaxResponseBytes", "Options.RDNSURL", "Options.AuthURL")
}

// NewClient takes the Options as they are at the call.
func TestOptionsAreCopied(t *testing.T) {
	t.Parallel()
	s, other := serve(t, succeed), serve(t, succeed)
	options := &edis.Options{RDNSURL: s.URL, AuthURL: s.URL, MaxAttempts: 1}
	before := *options
	client, err := edis.NewClient(options)
	if err != nil || *options != before {
		t.Fatalf("NewClient = %v, and the Options are %+v, want %+v", err, *options, before)
	}
	options.RDNSURL, options.AuthURL = other.URL, other.URL
	if err := client.SetPTR(t.Context(), session(), onePTR); err != nil {
		t.Errorf("SetPTR = %v", err)
	}
	wantRequests(t, s, 1)
	wantRequests(t, other, 0)
	if _, err := edis.NewClient(nil); err != nil {
		t.Errorf("NewClient(nil) = %v", err)
	}
}

// The base paths of both URLs are kept, with or without a slash at the end.
func TestBasePathsAreKept(t *testing.T) {
	t.Parallel()
	for _, slash := range []string{"", "/"} {
		paths := make(chan string, 4)
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			paths <- r.URL.Path
			respondWith(400, jsonType, errorBody)(w, r)
		})
		client := newClient(t, "", func(o *edis.Options) { o.RDNSURL, o.AuthURL = s.URL+"/dns/v1"+slash, s.URL+"/auth/v2"+slash })
		got := make(map[string]string)
		for name, api := range apiCalls() {
			_ = api.call(t.Context(), client)
			got[name] = <-paths
		}
		want := map[string]string{"SetPTR": "/dns/v1/set/ptr", "GetPTR": "/dns/v1/get/ptr", "DeletePTR": "/dns/v1/del/ptr", "Login": "/auth/v2/kvm/v2/get/auth"}
		if !maps.Equal(got, want) {
			t.Errorf("calls went to %v, want %v", got, want)
		}
	}
}
