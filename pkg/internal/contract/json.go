package contract

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// decoders are used again: a new one costs an answer six allocations.
var decoders = sync.Pool{New: func() any { return jsontext.NewDecoder(http.NoBody) }}

// decodeJSON decodes one value, or says in words what is wrong with it.
//
// jsontext refuses a name twice in an object and invalid UTF-8, which
// encoding/json accepts. Since v1.27 its module is a mirror of encoding/json/v2 of
// Go 1.27, under the Go compatibility promise, and an alias of it there; so
// importers of this package share a stable version. Its package json would do
// what readValue does, and make a program 0.6 MB larger.
func decodeJSON(raw []byte) (value any, mismatch string) {
	decoder := decoders.Get().(*jsontext.Decoder)
	defer func() {
		decoder.Reset(http.NoBody) // lets go of raw, which can hold a secret
		decoders.Put(decoder)
	}()
	decoder.Reset(bytes.NewBuffer(raw))
	value, err := readValue(decoder)
	if err != nil {
		return nil, jsonMismatch(err)
	}
	switch _, err := decoder.ReadToken(); {
	case err == nil:
		return nil, "JSON with more behind it"
	case !errors.Is(err, io.EOF):
		return nil, jsonMismatch(err)
	}
	return value, ""
}

// readValue returns a value in the types that kin-openapi validates.
func readValue(decoder *jsontext.Decoder) (any, error) {
	token, err := decoder.ReadToken()
	if err != nil {
		return nil, err
	}
	switch byte(token.Kind()) { // which is how each begins
	case '{':
		return readObject(decoder)
	case '[':
		return readArray(decoder)
	case '"':
		return token.String(), nil
	case '0':
		return strconv.ParseFloat(token.String(), 64) // Token.Float has another signature in Go 1.26 with GOEXPERIMENT=jsonv2
	case 't', 'f':
		return token.Bool(), nil
	}
	return nil, nil
}

func readObject(decoder *jsontext.Decoder) (any, error) {
	object := make(map[string]any)
	for decoder.PeekKind() != jsontext.KindEndObject {
		token, err := decoder.ReadToken() // of a fault, if there is no name
		if err != nil {
			return nil, err
		}
		name := token.String()
		if object[name], err = readValue(decoder); err != nil {
			return nil, err
		}
	}
	_, err := decoder.ReadToken()
	return object, err
}

func readArray(decoder *jsontext.Decoder) (any, error) {
	array := []any{}
	for decoder.PeekKind() != jsontext.KindEndArray {
		value, err := readValue(decoder)
		if err != nil {
			return nil, err
		}
		array = append(array, value)
	}
	_, err := decoder.ReadToken()
	return array, err
}

// jsonMismatch names the place and the kind of a fault. The error itself quotes
// names, and shortens them, so that a secret in one could not be found again.
func jsonMismatch(err error) string {
	kind, at := "not JSON", int64(0)
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		at = syntax.ByteOffset
	}
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		kind = "JSON with a name twice in an object"
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		kind = "JSON that ends too early"
	}
	return fmt.Sprintf("%s, at byte %d", kind, at)
}
