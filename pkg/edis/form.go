package edis

import (
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// encodeForm encodes a generated request model in the form encoding that the document
// describes: a string as it is, and everything else as JSON text in a form value. The
// names are those of the model's json tags, and so those of the document.
//
// Fields are in the order of the model, and the names of a map[string]string are sorted,
// so that equal requests have equal bytes.
func encodeForm(model any) ([]byte, error) {
	value := reflect.ValueOf(model)
	form := make([]byte, 0, 512)
	for i := range value.NumField() {
		field := value.Field(i)
		name, option, _ := strings.Cut(value.Type().Field(i).Tag.Get("json"), ",")
		if option == "omitempty" && field.IsZero() {
			continue
		}
		if len(form) > 0 {
			form = append(form, '&')
		}
		form = append(append(form, url.QueryEscape(name)...), '=')
		if field.Kind() == reflect.String {
			form = append(form, url.QueryEscape(field.String())...)
		} else if object, ok := field.Interface().(map[string]string); ok {
			form = appendObject(form, object)
		} else {
			text, err := json.Marshal(field.Interface())
			if err != nil || field.Kind() == reflect.Pointer { // a *string would be quoted
				return nil, fmt.Errorf("request field %s has type %s, which cannot be encoded", name, field.Type())
			}
			form = append(form, url.QueryEscape(string(text))...)
		}
	}
	return form, nil
}

// appendObject appends a JSON object, percent-encoded, in one pass: json.Marshal and
// url.QueryEscape would take more than twice as long for 1,000 records.
func appendObject(form []byte, object map[string]string) []byte {
	names := slices.AppendSeq(make([]string, 0, len(object)), maps.Keys(object))
	slices.Sort(names)
	form = slices.Grow(form, 64*len(names)) // as much as most records need
	before := "%7B"
	for _, name := range names {
		form = appendText(append(form, before...), name)
		form = appendText(append(form, "%3A"...), object[name])
		before = "%2C"
	}
	return append(form, "%7D"...)
}

// appendText appends a JSON string, percent-encoded.
func appendText(form []byte, text string) []byte {
	start := len(form)
	form = append(form, "%22"...)
	for i := range len(text) {
		switch char := text[i]; {
		case char >= 'a' && char <= 'z', char >= '0' && char <= '9', char == '.', char == '-', char == '_':
			form = append(form, char)
		case char == ':':
			form = append(form, "%3A"...)
		default: // cannot occur in an address or a host name
			quoted, _ := jsontext.AppendQuote(nil, text) // replaces invalid UTF-8
			return append(form[:start], url.QueryEscape(string(quoted))...)
		}
	}
	return append(form, "%22"...)
}
