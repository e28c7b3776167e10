package edis

import (
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"strings"
)

// encodeForm encodes a generated request model in the form encoding that the document
// describes: a string as it is, and everything else as JSON text in a form value. The
// names are those of the model's json tags, and so those of the document.
//
// Fields are in the order of the model, and the names of a JSON object are sorted, so that
// equal requests have equal bytes.
func encodeForm(model any) []byte {
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
		form = append(form, url.QueryEscape(formValue(field))...)
	}
	return form
}

func formValue(field reflect.Value) string {
	if field.Kind() == reflect.String {
		return field.String()
	}
	text, err := json.Marshal(field.Interface())
	if err != nil {
		panic(fmt.Sprintf("edis: a request model has a field of type %s: %v", field.Type(), err)) // in every build
	}
	return string(text)
}
