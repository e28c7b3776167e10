// Command bare makes a call by hand. It is built to see its size.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
)

func main() {
	fmt.Println(run(context.Background(), map[string]string{"192.0.2.10": "mail.example.com"}))
}

func run(ctx context.Context, ptrs map[string]string) error {
	ip, err := json.Marshal(ptrs)
	if err != nil {
		return err
	}
	form := url.Values{"ip": {string(ip)}, "kvm_id": {os.Args[1]}, "signature": {os.Args[2]}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://dns-api.edisglobal.com/set/ptr", strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	var answer struct{ Status, Message string }
	return json.Unmarshal(body, &answer)
}
