package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/oasdiff/oasdiff/checker"
	"github.com/oasdiff/oasdiff/diff"
)

// A difference is one place at which two operations differ.
type difference struct {
	path      string // JSON pointer within the operation
	was, is   any    // nil if it is not there
	operation any    // the old operation with this difference and no other
}

// isSet matches the path of a list whose order means nothing.
var isSet = regexp.MustCompile(`/(enum|required|tags|type)$`)

// differences lists all places at which two values differ. put returns the old
// operation with another value in place of was.
func differences(path string, was, is any, put func(any) any) (all []difference) {
	oldObject, newObject := object(was), object(is)
	oldList, wasList := was.([]any)
	newList, isList := is.([]any)
	switch {
	case reflect.DeepEqual(was, is):
	case oldObject != nil && newObject != nil:
		names := maps.Clone(oldObject)
		maps.Copy(names, newObject)
		for name := range names {
			key := strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
			all = append(all, differences(path+"/"+key, oldObject[name], newObject[name], func(value any) any {
				changed := maps.Clone(oldObject)
				changed[name] = value
				maps.DeleteFunc(changed, func(_ string, value any) bool { return value == nil })
				return put(changed)
			})...)
		}
	case wasList && isList && len(oldList) == len(newList) && !isSet.MatchString(path):
		for i := range oldList {
			all = append(all, differences(path+"/"+strconv.Itoa(i), oldList[i], newList[i], func(value any) any {
				return put(slices.Concat(oldList[:i], []any{value}, oldList[i+1:]))
			})...)
		}
	case wasList && isList, (wasList || isList) && strings.HasSuffix(path, "/required"):
		for _, item := range without(oldList, newList) {
			all = append(all, difference{path, item, nil, put(without(oldList, []any{item}))})
		}
		for _, item := range without(newList, oldList) {
			all = append(all, difference{path, nil, item, put(slices.Concat(oldList, []any{item}))})
		}
	default:
		all = append(all, difference{path, was, is, put(is)})
	}
	return all
}

// sameAs reports whether another difference is at the same place, and for a list
// of required fields about the same field.
func (d difference) sameAs(other difference) bool {
	return d.path == other.path && (!strings.HasSuffix(d.path, "/required") || reflect.DeepEqual(d.is, other.is))
}

// without returns the items of a list that another does not have.
func without(list, other []any) []any {
	return slices.DeleteFunc(slices.Clone(list), func(item any) bool {
		return slices.ContainsFunc(other, func(same any) bool { return reflect.DeepEqual(item, same) })
	})
}

// describe returns + for what came, - for what went and ~ for what changed, and
// says what it is.
func (d difference) describe() (sign, what string) {
	place := strings.NewReplacer("~1", "/", "~0", "~").Replace(noise.ReplaceAllString(d.path, "$1"))[1:]
	was, is := printable(string(must(json.Marshal(d.was))), 100), printable(string(must(json.Marshal(d.is))), 100)
	switch {
	case d.was == nil:
		return "+", place + " is new: " + is
	case d.is == nil:
		return "-", place + " is gone: " + was
	}
	return "~", place + " is now " + is + ", was " + was
}

type rule struct {
	path           *regexp.Regexp
	grade, meaning string
}

// rules are what we know better than oasdiff, which has none for servers and
// encodings, and takes statuses and the fields of a form lightly. The first that
// matches counts. Before a path stands its sign (see describe), and before that
// "known" if overlay.yaml says the same already, or "added" if it alone describes
// the operation. Names that a document is free to choose are a star, so that a
// field named "description" is no description.
var rules = []rule{
	{regexp.MustCompile(`/(description|examples?|externalDocs|summary|tags|title)(/|$)`), "wording", "nothing on the wire"},
	{regexp.MustCompile(`^added-.*/(additionalProperties|enum|min\w+|nullable|required|x-go-[\w-]+)$`), "wording", "overlay.yaml"},
	{regexp.MustCompile(`^known`), "compatible", "overlay.yaml says so already"},
	{regexp.MustCompile(`[~+-]/operationId$`), "compatible", "our code looks the operation up by its id"},
	{regexp.MustCompile(`[~+-]/x-server-level$`), "compatible", "the address is the same, unless another line says that it changed"},
	{regexp.MustCompile(`[~+-]/servers`), "breaking", "released versions still send everything, session included, to the old server"},
	{regexp.MustCompile(`[~+-]/(security|x-security-schemes)`), "breaking", "released versions still authenticate as before"},
	{regexp.MustCompile(`/encoding`), "breaking", "the service may read the field differently from how it is sent"},
	{regexp.MustCompile(`[+-]/responses\*$`), "breaking", "released versions only know the old statuses"},
	{regexp.MustCompile(`[~-]/requestBody.*/required$`), "compatible", "the library still sends it"},
	{regexp.MustCompile(`\+/requestBody/required$`), "compatible", "the library always sends it"},
	{regexp.MustCompile(`\+/requestBody.*/required$`), "breaking", "the library may leave it out"},
	{regexp.MustCompile(`\+/responses.*/required$`), "compatible", "released versions accept such a response"},
	{regexp.MustCompile(`-/requestBody.*\*$`), "breaking", "released versions still send it"},
	{regexp.MustCompile(`-/responses.*(\*|/required)$`), "breaking", "released versions may miss it, or refuse the response"},
	{regexp.MustCompile(`[~-]/requestBody.*/type$`), "breaking", "released versions still send the old type"},
	{regexp.MustCompile(`[~-]/responses.*/type$`), "breaking", "released versions expect the old type"},
}

var (
	chosen = regexp.MustCompile(`/(callbacks|content|dependentSchemas|encoding|headers|links|patternProperties|properties|responses|variables|x-security-schemes)/[^/]*`)
	noise  = regexp.MustCompile(`/content/[^/]*/schema|/properties(/[^/]*)`)
)

// A judge grades the changes to one operation of ours.
type judge struct {
	*document   // that holds it
	key, prefix string
	was, relied map[string]any // as it was published, and with overlay.yaml applied
}

// changes returns a line for each difference. What rules do not cover, oasdiff
// grades. It is asked about one difference at a time, so that one of which it says
// nothing is not lost, but counts as breaking.
func (j judge) changes(is map[string]any) (lines []string) {
	same := func(operation any) any { return operation }
	unknown := differences("", j.relied, is, same)
	for _, found := range differences("", j.was, is, same) {
		sign, what := found.describe()
		path := j.prefix + sign + chosen.ReplaceAllString(found.path, "/$1*")
		if !slices.ContainsFunc(unknown, found.sameAs) {
			path = "known" + path
		}
		r := rule{}
		if i := slices.IndexFunc(rules, func(r rule) bool { return r.path.MatchString(path) }); i >= 0 {
			r = rules[i]
		} else {
			r.grade, r.meaning = j.ask(object(found.operation))
		}
		if j.prefix == "" || r.grade != "wording" { // the words of overlay.yaml are ours
			lines = append(lines, j.line(r.grade, what, r.meaning))
		}
	}
	return lines
}

func (j judge) line(grade, what, meaning string) string {
	return printable(fmt.Sprintf("%-10s  %s: %s: %s", grade, j.relied["operationId"], what, meaning), maxLine)
}

// ask returns the grade and the words of oasdiff.
func (j judge) ask(is map[string]any) (grade, meaning string) {
	report, sources, err := diff.GetWithOperationsSourcesMap(diff.NewConfig(), j.spec(j.key, j.was), j.spec(j.key, is))
	check(err)
	grade = "compatible"
	var words []string
	for _, verdict := range checker.CheckBackwardCompatibilityUntilLevel(checker.NewConfig(checker.GetAllChecks()), report, sources, checker.INFO) {
		if verdict.GetPath() == "" {
			continue // on the version of the document
		}
		if verdict.GetLevel() >= checker.WARN {
			grade = "breaking"
		}
		words = append(words, verdict.GetUncolorizedText(checker.NewDefaultLocalizer()))
	}
	if len(words) == 0 {
		return "breaking", "oasdiff has no rule for it, so check it yourself"
	}
	return grade, strings.Join(words, "; ")
}
