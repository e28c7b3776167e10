package main

import (
	"slices"
	"strings"
)

// wordingKeywords tell people something and the wire nothing.
var wordingKeywords = []string{"description", "summary", "title", "tags", "example", "examples", "externalDocs", "xml"}

// limits are the keywords that allow less, the more is said. The rest of those
// that a schema may have is graded on its own.
var limits = []string{
	"additionalProperties", "const", "exclusiveMaximum", "exclusiveMinimum", "format", "maxItems", "maxLength", "maxProperties",
	"maximum", "minItems", "minLength", "minProperties", "minimum", "multipleOf", "not", "pattern", "type", "uniqueItems",
}

// A grader knows both documents, and what the library relies on: the old one
// with overlay.yaml applied.
type grader struct{ was, is, relied facts }

// grade says how much a difference concerns us, and what it means.
func (g grader) grade(d difference) (grade, string) {
	switch {
	case slices.Contains(wordingKeywords, d.keyword), strings.HasPrefix(d.keyword, "x-"):
		return wording, ""
	case d.keyword == "deprecated":
		return compatible, "calls still work; ask the provider until when"
	case d.part == "operation":
		return g.gradeOperation(d)
	case strings.HasPrefix(d.part, "answer "):
		return g.gradeAnswer(d)
	}
	return g.gradeRequest(d)
}

func (g grader) gradeOperation(d difference) (grade, string) {
	switch d.keyword {
	case "call":
		return breaking, "released versions go on to call the old address"
	case "server":
		return breaking, "released versions go on to send, session included, to the old server"
	case "server level":
		if g.was[d.of("server")] == g.is[d.of("server")] {
			return compatible, "calls go to the same server"
		}
		return compatible, "for the address see the change of the server"
	case "operationId":
		return compatible, "calls stay the same, but our code looks the operation up by its id"
	case "security":
		if d.removed() {
			return compatible, "calls prove more than they have to"
		}
		return breaking, "calls must prove what released versions do not send"
	}
	return compatible, "nothing that a call relies on; have a look"
}

// gradeRequest grades what we send: a service that asks for more breaks us.
func (g grader) gradeRequest(d difference) (grade, string) {
	required := d.of("required")
	switch {
	case d.keyword == "" && d.added() && g.is[required] == "true":
		return breaking, "it is required, and released versions do not send it"
	case d.keyword == "" && d.added():
		return compatible, "the library does not send it"
	case d.keyword == "":
		return breaking, g.gone(d, "released versions go on to send it")
	case d.keyword == "schema":
		return breaking, "what is sent is described in another way"
	case d.keyword == "encoding":
		return breaking, "the service may read the field in another way than it is sent"
	case d.keyword == "required" && (d.removed() || d.is == "false"):
		return compatible, "the library goes on to send it"
	case d.keyword == "required" && (g.relied[d.place] == "true" || d.field == "" && d.part == "request"):
		return compatible, "the library always sends it"
	case d.keyword == "required":
		return breaking, "the library may leave it out"
	case d.keyword == "type" && !d.added() && !d.removed():
		return breaking, "released versions send " + bounded(d.was)
	}
	return schemaGrade(d, true)
}

// gradeAnswer grades what we get and hold against the document: an answer that
// may be more than it was breaks us.
func (g grader) gradeAnswer(d difference) (grade, string) {
	switch {
	case d.keyword == "" && d.added() && d.field != "":
		return compatible, "released versions leave it unread"
	case d.keyword == "" && d.added():
		return compatible, "released versions do not know such an answer, and say that it breaks the contract"
	case d.keyword == "" && d.field == "":
		return breaking, "such an answer would be one that breaks the contract"
	case d.keyword == "":
		return breaking, g.gone(d, "what it told is lost, or the answer is refused")
	case d.keyword == "schema" && d.added():
		return compatible, "answers can be checked from now on"
	case d.keyword == "schema":
		return breaking, "answers can no longer be checked"
	case d.keyword == "headers", d.keyword == "links":
		return compatible, "the library does not read them"
	case d.keyword == "required" && d.added():
		return compatible, "answers that have it pass as before"
	case d.keyword == "required":
		return breaking, "answers without it are refused, or tell less"
	case d.keyword == "type" && !d.added() && !d.removed():
		return breaking, "released versions refuse such an answer"
	}
	return schemaGrade(d, false)
}

// gone adds to what the loss of a field means the field that may have taken its
// place: the only one that is new beside it, and of the same kind.
func (g grader) gone(d difference, meaning string) string {
	parent := d.field[:max(strings.LastIndexByte(d.field, '/'), 0)]
	var came []string
	for at := range g.is {
		_, old := g.was[at]
		beside := at.part == d.part && at.media == d.media && at.keyword == "" && strings.HasPrefix(at.field, parent+"/")
		sameType := g.is[at.of("type")] == g.was[d.of("type")]
		if beside && !old && sameType && !strings.Contains(strings.TrimPrefix(at.field, parent+"/"), "/") {
			came = append(came, fieldName(at.field))
		}
	}
	if len(came) == 1 && d.field != "" {
		return "renamed to " + came[0] + "? " + meaning
	}
	return meaning
}

// schemaGrade grades a keyword that says what values a field may have.
func schemaGrade(d difference, sent bool) (grade, string) {
	narrower, wider := narrows(d)
	switch {
	case d.keyword == "default":
		return compatible, "the library does not rely on it"
	case !narrower && !wider:
		return breaking, "not known to this program; have a look"
	case sent && narrower:
		return breaking, "the service may refuse what released versions send"
	case sent:
		return compatible, "what is sent is still allowed"
	case wider:
		return breaking, "released versions may refuse such an answer"
	}
	return compatible, "such answers pass as before"
}

// narrows tells whether values that were allowed no longer are, and whether some
// are that were not. A change of a limit is held to be both.
func narrows(d difference) (narrower, wider bool) {
	switch {
	case d.keyword == "enum":
		return d.added() || lacks(d.is, d.was) && !d.removed(), d.removed() || lacks(d.was, d.is) && !d.added()
	case d.keyword == "nullable":
		return d.is != "true", d.is == "true"
	case d.keyword == "additionalProperties":
		return d.is == "false", d.is != "false"
	case slices.Contains(limits, d.keyword):
		return !d.removed(), !d.added()
	}
	return false, false
}

// lacks tells whether a list, as compact writes it, lacks an item of another.
func lacks(list, of string) bool {
	have := strings.Split(strings.Trim(list, "[]"), ", ")
	return slices.ContainsFunc(strings.Split(strings.Trim(of, "[]"), ", "), func(item string) bool {
		return !slices.Contains(have, item)
	})
}
