package recordfile

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// checkJSON returns an error, and its offset, unless content is one JSON value.
func checkJSON(content []byte) (offset int, err error) {
	decoder := jsontext.NewDecoder(bytes.NewBuffer(content), jsontext.AllowDuplicateNames(true))
	err = decoder.SkipValue()
	if err == nil {
		offset = int(decoder.InputOffset())
		if _, err = decoder.ReadToken(); err == nil {
			return offset, errors.New("more than one JSON value")
		}
		if errors.Is(err, io.EOF) {
			return 0, nil
		}
	}
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		return int(syntax.ByteOffset), syntax.Err
	}
	return len(content), errors.New("ends too early")
}

// jsonTokenizer returns the tokens of valid JSON.
type jsonTokenizer struct {
	content []byte
	decoder *jsontext.Decoder
	offset  int // up to which lines have been counted
	at      position
}

func newJSONTokenizer(content []byte, start position) *jsonTokenizer {
	start.line, start.column = 1, 1
	return &jsonTokenizer{content, jsontext.NewDecoder(bytes.NewBuffer(content), jsontext.AllowDuplicateNames(true)), 0, start}
}

func (t *jsonTokenizer) next() token {
	t.skipTo(int(t.decoder.InputOffset()))
	t.skipBetween()
	at := t.at
	read, err := t.decoder.ReadToken()
	if err != nil {
		return token{at: at}
	}
	kind, ok := jsonKinds[read.Kind()]
	if !ok {
		kind = otherScalar
	}
	if kind != scalar && kind != otherScalar {
		return token{kind: kind, at: at}
	}
	return token{kind, read.String(), at}
}

var jsonKinds = map[jsontext.Kind]tokenKind{'{': objectStart, '}': objectEnd, '[': listStart, ']': listEnd, '"': scalar, 'n': null}

// skipTo counts lines and columns up to an offset.
func (t *jsonTokenizer) skipTo(offset int) {
	skipped := t.content[t.offset:offset]
	if last := bytes.LastIndexByte(skipped, '\n'); last >= 0 {
		t.at.line += int32(bytes.Count(skipped, []byte("\n"))) //nolint:gosec // a file has at most 256 MiB
		t.at.column = 1
		skipped = skipped[last+1:]
	}
	t.at.column += int32(len(skipped)) //nolint:gosec // see above
	t.offset = offset
}

// skipBetween skips what is between two tokens.
func (t *jsonTokenizer) skipBetween() {
	rest := t.content[t.offset:]
	t.skipTo(len(t.content) - len(bytes.TrimLeft(rest, " \t\r\n,:")))
}
