package edistest

import (
	"fmt"
	"mime"
	"net/http"
	"net/netip"
	"net/url"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json"

	"github.com/edisptr/edis-go/pkg/internal/canonical"
	"github.com/edisptr/edis-go/pkg/internal/contract"
)

// parseForm decodes a form in which each field occurs once.
func parseForm(header http.Header, body string) (url.Values, error) {
	if mediaType, _, err := mime.ParseMediaType(header.Get("Content-Type")); err != nil || mediaType != contract.FormContentType {
		return nil, fmt.Errorf("the content type is %q, not %s", header.Get("Content-Type"), contract.FormContentType)
	}
	form, err := url.ParseQuery(body)
	if err != nil {
		return nil, fmt.Errorf("the body is not a form: %w", err)
	}
	for name, values := range form {
		if len(values) > 1 {
			return nil, fmt.Errorf("field %q is given %d times", name, len(values))
		}
	}
	return form, nil
}

// decodeFields decodes the form into the value that the request schema describes:
// everything but a string is JSON text.
func decodeFields(schema *openapi3.Schema, form url.Values) (map[string]any, error) {
	fields := make(map[string]any, len(form))
	for name := range form {
		fields[name] = form.Get(name)
		property := schema.Properties[name]
		if property == nil || property.Value.Type.Is(openapi3.TypeString) {
			continue
		}
		var value any
		if err := json.Unmarshal([]byte(form.Get(name)), &value); err != nil {
			return nil, fmt.Errorf("field %q is not JSON: %w", name, err)
		}
		fields[name] = value
	}
	if err := schema.VisitJSON(fields, openapi3.VisitAsRequest(), openapi3.DisableSchemaErrorDetails()); err != nil {
		return nil, err
	}
	return fields, nil
}

// wantedNames reads the field ip of setPTR.
func wantedNames(fields map[string]any) (map[netip.Addr]string, error) {
	ptrs := make(map[netip.Addr]string)
	for text, value := range fields["ip"].(map[string]any) { // as the schema says
		address, err := parseAddress(text, ptrs)
		if err != nil {
			return nil, err
		}
		name, err := canonical.Name(value.(string), true)
		if err != nil {
			return nil, fmt.Errorf("host name %q for %s: %w", value, address, err)
		}
		ptrs[address] = name
	}
	return ptrs, nil
}

// noNames reads the field ip of deletePTR and getPTR.
func noNames(fields map[string]any) (map[netip.Addr]string, error) {
	ptrs := make(map[netip.Addr]string)
	for _, value := range fields["ip"].([]any) { // as the schema says
		address, err := parseAddress(value.(string), ptrs)
		if err != nil {
			return nil, err
		}
		ptrs[address] = ""
	}
	return ptrs, nil
}

func parseAddress(text string, given map[netip.Addr]string) (netip.Addr, error) {
	address, err := netip.ParseAddr(text)
	if err != nil || address.Zone() != "" {
		return netip.Addr{}, fmt.Errorf("%q is not an IP address", text)
	}
	address = address.Unmap()
	if _, duplicate := given[address]; duplicate {
		return netip.Addr{}, fmt.Errorf("duplicate address %s", address)
	}
	return address, nil
}
