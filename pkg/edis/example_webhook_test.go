package edis_test

import (
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"

	"github.com/edisptr/edis-go/pkg/edis"
	"github.com/edisptr/edis-go/pkg/edistest"
)

// setRecord is a webhook, for example for a system that creates servers. It sets the
// record of the form fields ip and name. The status of the response says what the sender
// can do.
func setRecord(client *edis.Client, account *edis.Account) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ip, err := netip.ParseAddr(r.PostFormValue("ip"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		err = client.SetPTR(r.Context(), account, map[netip.Addr]string{ip: r.PostFormValue("name")})
		var failed *edis.CallError
		switch {
		case err == nil:
			w.WriteHeader(http.StatusNoContent)
		case errors.Is(err, edis.ErrInvalidInput):
			http.Error(w, err.Error(), http.StatusBadRequest)
		case errors.As(err, &failed) && failed.Retryable:
			// Setting the same name again does no harm, even if the outcome is unknown.
			w.Header().Set("Retry-After", strconv.Itoa(int(max(1, failed.RetryAfter.Seconds()))))
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		default:
			http.Error(w, err.Error(), http.StatusBadGateway)
		}
	}
}

// A webhook that sets records.
func Example_webhook() {
	server := edistest.NewServer() // in place of EDIS
	defer server.Close()
	client, err := edis.NewClient(server.Options())
	if err != nil {
		log.Fatal(err)
	}
	hook := httptest.NewServer(setRecord(client, client.Account(server.Credentials())))
	defer hook.Close()
	for _, name := range []string{"mail.example.com", "mail..example.com"} {
		response, err := http.PostForm(hook.URL, url.Values{"ip": {"192.0.2.10"}, "name": {name}})
		if err != nil {
			log.Fatal(err)
		}
		_ = response.Body.Close()
		fmt.Println(response.StatusCode, server.PTRs())
	}
	// Output:
	// 204 map[192.0.2.10:mail.example.com]
	// 400 map[192.0.2.10:mail.example.com]
}
