package recordfile

import (
	"bytes"
	"errors"
	"iter"
	"strings"

	"go.yaml.in/yaml/v4"
)

// readMap reads YAML or JSON. What is valid JSON is read as such: its reader is faster,
// takes less memory, and knows surrogate pairs.
func (c *collector) readMap(content []byte) {
	start := c.at(0, 0)
	looksLikeJSON := bytes.IndexAny(bytes.TrimLeft(content, " \t\r\n"), "{[") == 0
	offset, jsonErr := 0, errors.New("not JSON")
	if looksLikeJSON {
		offset, jsonErr = checkJSON(content)
	}
	if jsonErr == nil {
		(&mapReader{collector: c, tokens: newJSONTokenizer(content, start)}).read()
		return
	}
	root, err := loadYAML(content)
	switch {
	case err != nil && looksLikeJSON:
		t := newJSONTokenizer(content, start)
		t.skipTo(min(offset, len(content)))
		c.failOnly(t.at, "not valid JSON: "+jsonErr.Error())
	case err != nil:
		c.failYAML(err)
	default:
		(&mapReader{collector: c, tokens: &yamlTokenizer{root: root, start: start}}).read()
	}
}

func (c *collector) failYAML(err error) {
	var syntax *yaml.LoadError
	if errors.As(err, &syntax) {
		c.failOnly(c.at(syntax.Mark.Line, syntax.Mark.Column), "not YAML, JSON or a zone file: "+syntax.Message)
		return
	}
	c.failOnly(c.at(0, 0), err.Error())
}

// mapReader reads a map of addresses to host names, a map of KVM IDs to such maps, or what
// edisptr prints as JSON.
type mapReader struct {
	*collector
	tokens   tokenizer
	unknown  []token // keys of values that are not addresses
	isOutput bool    // the document has lists of records or servers
}

func (r *mapReader) read() {
	root := r.tokens.next()
	switch {
	case root.kind == documentEnd:
		return
	case root.kind != objectStart:
		r.fail(root.at, "", "not a map of IP addresses to host names; "+mapForm)
		return
	}
	output := outputServer{at: root.at}
	for key, value := range r.members() {
		r.rootMember(key, value, &output)
	}
	r.addServer(output)
	for _, key := range r.unknown {
		if !r.isOutput {
			r.fail(key.at, key.text, "not an IP address")
		}
	}
}

// members returns the members of the object that has begun: a key, and the first token of
// its value. The caller reads the rest of a value that is a list or an object.
func (r *mapReader) members() iter.Seq2[token, token] {
	return func(yield func(key, value token) bool) {
		for key := r.tokens.next(); key.kind != objectEnd && key.kind != documentEnd; key = r.tokens.next() {
			value := r.tokens.next()
			switch {
			case r.errors.stopped:
				return
			case key.kind == invalid:
				r.fail(key.at, "", key.text)
				r.skip(value)
			case value.kind == invalid:
				r.fail(value.at, key.text, value.text)
			case !yield(key, value):
				return
			}
		}
	}
}

// rootMember reads a member of the document.
func (r *mapReader) rootMember(key, value token, output *outputServer) {
	switch {
	case value.kind == objectStart:
		r.server(key)
	case value.kind == listStart && key.text == "servers":
		r.isOutput = true
		r.outputServers()
	case value.kind == listStart && key.text == "records":
		r.isOutput = true
		r.outputRecords(output)
	case value.kind == listStart:
		r.list(key, value)
	case isAddress(key.text):
		r.nameServer(key.at, "")
		r.record("", key, value)
	case key.text == "kvm_id" && value.kind == scalar:
		output.kvmID = value.text
		fallthrough
	default:
		if len(r.unknown) < maxErrors {
			r.unknown = append(r.unknown, key)
		}
	}
}

// server reads the map of addresses of a KVM server.
func (r *mapReader) server(id token) {
	r.nameServer(id.at, id.text)
	for key, value := range r.members() {
		switch {
		case key.text == "type" && isRecordType(value):
			r.failOctoDNS(id.at)
		case value.kind == objectStart || value.kind == listStart:
			r.list(key, value)
		default:
			r.record(id.text, key, value)
		}
	}
}

// list skips a list or object where a host name should be.
func (r *mapReader) list(key, value token) {
	if r.skip(value) {
		r.failOctoDNS(key.at)
		return
	}
	r.fail(value.at, key.text, "not a host name; an address has one PTR record, with one host name")
}

// skip skips the rest of a value, and reports whether it contains a member "type" with the
// name of a record type.
func (r *mapReader) skip(value token) (hasType bool) {
	depth := 0
	for before := (token{}); ; before, value = value, r.tokens.next() {
		depth += nesting[value.kind]
		hasType = hasType || before.text == "type" && isRecordType(value)
		if depth == 0 || value.kind == documentEnd {
			return hasType
		}
	}
}

// nesting is by how much a token changes the depth.
var nesting = map[tokenKind]int{objectStart: 1, listStart: 1, objectEnd: -1, listEnd: -1}

func isRecordType(value token) bool {
	_, known := typeOf(value.text)
	return value.kind == scalar && known && value.text == strings.ToUpper(value.text)
}

func (r *mapReader) failOctoDNS(at position) {
	r.failOnly(at, "looks like an octoDNS file; "+mapForm+", or give a zone file")
}

// record reads a record of a map.
func (r *mapReader) record(kvmID string, key, value token) {
	switch {
	case !r.fits():
	case value.kind == null:
		r.addText(key.at, kvmID, key.text, "")
	case value.kind == missing:
		r.fail(key.at, key.text, "has no host name; write null to delete the record")
	case value.kind != scalar || value.text == "":
		r.failKey(value.at, key.text, value.text, "not a host name string; write one, or null for no record")
	default:
		r.addText(key.at, kvmID, key.text, value.text)
	}
}
