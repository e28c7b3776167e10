package witness_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
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
	unseen    map[string]bool // documented responses, such as "POST /set/ptr 200"
	findings  []string
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
	w := &witness{fake: fake, unseen: make(map[string]bool)}
	for path, item := range model.Model.Paths.PathItems.FromOldest() {
		for status := range item.Post.Responses.Codes.KeysFromOldest() {
			w.unseen["POST "+path+" "+status] = true
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

// decodeForm reads a field as JSON text unless its schema is a string, as the document
// says of ip in prose. OpenAPI 3.0 has no word for it, so the validator's own decoders
// reject every ip: one as a string that is no object, the other for its braces.
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
		property := input.Schema.Properties.GetOrZero(name)
		if property != nil && !slices.Contains(property.Schema().Type, "string") {
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
	for _, err := range append(requestErrs, responseErrs...) {
		w.findings = append(w.findings, call+": "+err.Error())
	}
	return response, nil
}
