package witness_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	"github.com/pb33f/libopenapi-validator/content"

	"github.com/edisptr/edis-go/gen"
)

const formType = "application/x-www-form-urlencoded"

// A witness is a transport that takes each request to the fake service, whatever host
// it is for, and validates it and its response against the overlaid document. It is not
// safe for concurrent use.
type witness struct {
	validator validator.Validator
	fake      *url.URL
	failures  map[string][]int // documented statuses of failures, by operation ID
	unseen    map[string]bool  // documented responses, such as "POST /set/ptr 200"
	requests  []string         // findings in requests
	responses []string         // findings in responses
}

func newWitness(t *testing.T, fakeURL string) *witness {
	t.Helper()
	fake, err := url.Parse(fakeURL)
	if err != nil {
		t.Fatal(err)
	}
	overlaid, err := gen.GetSpecJSON()
	if err != nil {
		t.Fatal(err)
	}
	// Undeclared properties of a body are reported because no object may have them.
	// Strict mode does not serve: it also reports the keys of maps, such as ip.
	closed := bytes.ReplaceAll(overlaid, []byte(`"properties":`), []byte(`"additionalProperties":false,"properties":`))
	document, err := libopenapi.NewDocument(closed)
	if err != nil {
		t.Fatal(err)
	}
	model, err := document.BuildV3Model()
	if err != nil {
		t.Fatal(err)
	}
	w := &witness{fake: fake, failures: make(map[string][]int), unseen: make(map[string]bool)}
	for path, item := range model.Model.Paths.PathItems.FromOldest() {
		for status := range item.Post.Responses.Codes.KeysFromOldest() {
			w.unseen["POST "+path+" "+status] = true
			if code, err := strconv.Atoi(status); err == nil && code >= 400 {
				w.failures[item.Post.OperationId] = append(w.failures[item.Post.OperationId], code)
			}
		}
	}
	w.validator = validator.NewValidatorFromV3Model(&model.Model,
		config.WithStrictServerMatching(),
		config.WithBodyDecoder(formType, content.DecoderFunc(decodeForm)),
		config.WithRejectUnsupportedBodyContent(),
		config.WithStrictMode(), // for undeclared query parameters
		config.WithStrictIgnorePaths("$.body.**"),
	)
	w.validator.SetDocument(document)
	if valid, errs := w.validator.ValidateDocument(); !valid {
		t.Fatalf("the overlaid document is not valid: %v", errs)
	}
	return w
}

// decodeForm reads a field as JSON text if the document says so ("encoding"). The
// validator's own decoder refuses reserved characters even where they are
// percent-encoded, such as the @ of an e-mail address.
func decodeForm(input *content.DecodeInput) (any, error) {
	body, err := io.ReadAll(input.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	fields := make(map[string]any)
	for name, values := range form {
		if len(values) != 1 {
			return nil, fmt.Errorf("field %q is given %d times", name, len(values))
		}
		var value any = values[0]
		if encoding := input.Encoding.GetOrZero(name); encoding != nil && encoding.ContentType == "application/json" {
			if err := json.Unmarshal([]byte(values[0]), &value); err != nil {
				return nil, fmt.Errorf("field %q is not JSON: %w", name, err)
			}
		}
		fields[name] = value
	}
	return fields, nil
}

// RoundTrip validates what is sent and received, and adds to the findings. The validator
// puts bodies back after reading them.
func (w *witness) RoundTrip(r *http.Request) (*http.Response, error) {
	request := r.Clone(r.Context())
	_, requestErrs := w.validator.ValidateHttpRequest(request)
	request.URL.Scheme, request.URL.Host, request.Host = w.fake.Scheme, w.fake.Host, ""
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	_, responseErrs := w.validator.ValidateHttpResponse(r, response)
	call := fmt.Sprintf("%s %s %d", r.Method, r.URL.Path, response.StatusCode)
	delete(w.unseen, call)
	for _, err := range requestErrs {
		w.requests = append(w.requests, call+": "+err.Error())
	}
	for _, err := range responseErrs {
		w.responses = append(w.responses, call+": "+err.Error())
	}
	return response, nil
}
