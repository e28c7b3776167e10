package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A grade says how much a change concerns the users of the library.
type grade int

const (
	wording    grade = iota // no call and no answer is different
	compatible              // what works today goes on to work
	breaking                // released versions may stop working
)

func (g grade) String() string { return [...]string{"wording", "compatible", "breaking"}[g] }

// A change is one difference between two documents.
type change struct {
	grade   grade
	id      string // of the operation
	what    string
	meaning string // for the users of the library
}

func (c change) String() string {
	line := fmt.Sprintf("%-10s  %s: %s", c.grade, c.id, c.what)
	if c.meaning != "" {
		line += ": " + c.meaning
	}
	return line
}

// A difference is a fact that two documents tell differently, or one only.
type difference struct {
	place
	was, is         string
	present, absent bool // present: in the new document; absent: from the old one
}

func (d difference) added() bool   { return d.absent }
func (d difference) removed() bool { return !d.present }

// differences lists what two documents say differently, in the order of places,
// without what lies within a part that came, went or changed its type.
func differences(was, is facts) []difference {
	var all []difference
	for at, old := range was {
		if value, ok := is[at]; !ok || value != old {
			all = append(all, difference{at, old, value, ok, false})
		}
	}
	for at, value := range is {
		if _, ok := was[at]; !ok {
			all = append(all, difference{at, "", value, true, true})
		}
	}
	var told []difference
	for _, d := range all {
		within := func(outer difference) bool { return d.place != outer.place && outer.covers(d.place) }
		if !slices.ContainsFunc(all, within) {
			told = append(told, d)
		}
	}
	slices.SortFunc(told, func(a, b difference) int {
		return cmp.Or(strings.Compare(a.part, b.part), strings.Compare(a.media, b.media),
			strings.Compare(a.field, b.field), strings.Compare(a.keyword, b.keyword))
	})
	return told
}

// covers tells whether a difference at a place says all that there is to say of
// another place.
func (d difference) covers(at place) bool {
	if d.part != at.part || d.media != "" && d.media != at.media {
		return false
	}
	below := strings.HasPrefix(at.field, d.field+"/")
	switch d.keyword {
	case "": // it came or went as a whole
		return below || at.field == d.field
	case "schema":
		return below || at.field == d.field && at.keyword != ""
	case "type":
		return below
	}
	return false
}

// String names the place as a person would.
func (p place) String() string {
	words := []string{p.part}
	if p.media != "" && (p.field == "" || !slices.Contains([]string{"application/json", "application/x-www-form-urlencoded"}, p.media)) {
		words = append(words, p.media)
	}
	if p.field != "" {
		words = append(words, "field "+fieldName(p.field))
	}
	return strings.Join(words, ", ")
}

// fieldName writes /records/[]/ip as records[].ip.
func fieldName(field string) string {
	name := strings.ReplaceAll(strings.TrimPrefix(field, "/"), "/", ".")
	return bounded(strings.NewReplacer(".[]", "[]", ".{}", "{}").Replace(name))
}

// describe says what is different.
func (d difference) describe() string {
	switch {
	case d.keyword == "" || d.keyword == "schema":
		name := strings.TrimSpace(d.String() + " " + d.keyword)
		if d.added() {
			return name + " is new"
		}
		return name + " is gone"
	case d.added():
		return fmt.Sprintf("%s: %s is now %s, was not given", d.place, d.keyword, bounded(d.is))
	case d.removed():
		return fmt.Sprintf("%s: %s is no longer given, was %s", d.place, d.keyword, bounded(d.was))
	}
	return fmt.Sprintf("%s: %s is now %s, was %s", d.place, d.keyword, bounded(d.is), bounded(d.was))
}
