package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// gradesOf returns the lines of the report on a published document, where another one is
// vendored, without the line that sums up.
func gradesOf(t *testing.T, vendored, published string) []string {
	t.Helper()
	root := module(t)
	put(t, filepath.Join(root, vendoredFile), vendored)
	got := run(t, new(app), root, "check", put(t, filepath.Join(t.TempDir(), "spec.yaml"), published))
	lines := strings.Split(strings.TrimSuffix(got.stdout, "\n"), "\n")
	if got.stdout == "" || got.status != exitDone && got.status != exitChanged {
		t.Fatalf("check = %+v, want a report", got)
	}
	return lines[:len(lines)-1]
}

// Each row is one change and its grade when the provider makes it, and when the provider
// takes it back. What a request may hold must not shrink, and what a response may hold
// must not grow.
func TestGradesInBothDirections(t *testing.T) {
	t.Parallel()
	const (
		form      = "    form_3:\n      type: object\n"
		failure   = "    failure_9:\n      type: object\n"
		text      = "        error:\n          type: string\n"
		breaking  = "breaking    setPTR: "
		same      = "compatible  setPTR: "
		wording   = "wording     setPTR: "
		request   = "Request body/application/x-www-form-urlencoded"
		signature = request + "/signature: "
		inError   = "Responses/401/application/json/error: "
	)
	for name, test := range map[string]struct{ before, after, made, takenBack string }{
		"enum of request":       {inForm, inForm + "          enum: [a]\n", breaking + signature + "New enum values: [a]", same + signature + "Deleted enum values: [a]"},
		"enum value of request": {"['1', '2']", "['1', '2', '3']", same + request + "/valid_until: New enum values: [3]", breaking + request + "/valid_until: Deleted enum values: [3]"},
		"nullable in request":   {inForm, inForm + "          nullable: true\n", same + signature + "Nullable changed from false to true", breaking + signature + "Nullable changed from true to false"},
		"maxLength of request":  {inForm, inForm + "          maxLength: 8\n", breaking + signature + "MaxLength changed from null to 8", same + signature + "MaxLength changed from 8 to null"},
		"minLength of request":  {inForm, inForm + "          minLength: 8\n", breaking + signature + "MinLength changed from 0 to 8", same + signature + "MinLength changed from 8 to 0"},
		"pattern of request":    {inForm, inForm + "          pattern: '^a'\n", breaking + signature + "Pattern changed from '' to '^a'", same + signature + "Pattern changed from '^a' to ''"},
		"format of request":     {inForm, inForm + "          format: date\n", breaking + signature + "Format changed from '' to 'date'", breaking + signature + "Format changed from 'date' to ''"},
		"type of request":       {inForm, strings.Replace(inForm, "string", "integer", 1), breaking + signature + "Type changed from 'string' to 'integer'", breaking + signature + "Type changed from 'integer' to 'string'"},
		"required in request":   {form, form + "      required: [api_host]\n", breaking + request + ": New required property: api_host", same + request + ": Deleted required property: api_host"},
		"field of request":      {inForm, inForm + "        ttl: {type: integer}\n", same + request + ": New property: ttl", breaking + request + ": Deleted property: ttl"},
		"default of request":    {inForm, inForm + "          default: a\n", same + signature + "Default changed from null to 'a'", same + signature + "Default changed from 'a' to null"},
		"limit of a record":     {"          additionalProperties:\n            type: string\n", "          additionalProperties:\n            type: string\n            maxLength: 5\n", breaking + request + "/ip/AdditionalProperties: MaxLength changed from null to 5", same + request + "/ip/AdditionalProperties: MaxLength changed from 5 to null"},

		"enum of response":       {text, text + "          enum: [a]\n", same + inError + "New enum values: [a]", breaking + inError + "Deleted enum values: [a]"},
		"enum value of response": {"[set, kept]", "[set, kept, queued]", breaking + "Responses/200/application/json/message: New enum values: [queued]", same + "Responses/200/application/json/message: Deleted enum values: [queued]"},
		"nullable in response":   {text, text + "          nullable: true\n", breaking + inError + "Nullable changed from false to true", same + inError + "Nullable changed from true to false"},
		"maxLength of response":  {text, text + "          maxLength: 8\n", same + inError + "MaxLength changed from null to 8", breaking + inError + "MaxLength changed from 8 to null"},
		"minLength of response":  {text, text + "          minLength: 8\n", same + inError + "MinLength changed from 0 to 8", breaking + inError + "MinLength changed from 8 to 0"},
		"pattern of response":    {text, text + "          pattern: '^a'\n", same + inError + "Pattern changed from '' to '^a'", breaking + inError + "Pattern changed from '^a' to ''"},
		"format of response":     {text, text + "          format: date\n", breaking + inError + "Format changed from '' to 'date'", breaking + inError + "Format changed from 'date' to ''"},
		"type of response":       {text, strings.Replace(text, "string", "integer", 1), breaking + inError + "Type changed from 'string' to 'integer'", breaking + inError + "Type changed from 'integer' to 'string'"},
		"required in response":   {failure, failure + "      required: [error]\n", same + "Responses/401/application/json: New required property: error", breaking + "Responses/401/application/json: Deleted required property: error"},
		"field of response":      {text, "        ttl: {type: integer}\n" + text, same + "Responses/401/application/json: New property: ttl", breaking + "Responses/401/application/json: Deleted property: ttl"},

		"title": {form, form + "      title: Form\n", wording + request + ": Title changed from '' to 'Form'", wording + request + ": Title changed from 'Form' to ''"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, after := published(t), published(t, test.before, test.after)
			if test.before == text { // its example would be one of another type
				before, after = replace(t, before, "          example: Not let in.\n", ""), replace(t, after, "          example: Not let in.\n", "")
			}
			for _, direction := range []struct{ was, is, want string }{{before, after, test.made}, {after, before, test.takenBack}} {
				if got := gradesOf(t, direction.was, direction.is); len(got) != 1 || !strings.HasPrefix(got[0], direction.want+": ") {
					t.Errorf("report =\n%s\nwant\n%s", strings.Join(got, "\n"), direction.want)
				}
			}
		})
	}
}

// A pattern that changes may forbid what the other one permits, in either direction.
func TestChangedPattern(t *testing.T) {
	t.Parallel()
	const text = "        error:\n          type: string\n"
	for place, field := range map[string]string{"Request body/application/x-www-form-urlencoded/signature": inForm, "Responses/401/application/json/error": text} {
		got := gradesOf(t, published(t, field, field+"          pattern: '^a'\n"), published(t, field, field+"          pattern: '^b'\n"))
		if want := "breaking    setPTR: " + place + ": Pattern changed from '^a' to '^b': "; len(got) != 1 || !strings.HasPrefix(got[0], want) {
			t.Errorf("report =\n%s\nwant\n%s", strings.Join(got, "\n"), want)
		}
	}
}

// What the library always sends may become required, and optional again.
func TestAlwaysSentMayBeRequired(t *testing.T) {
	t.Parallel()
	const form = "    form_3:\n      type: object\n"
	before := published(t, "        signature:\n", "        email: {type: string}\n        pw: {type: string}\n        signature:\n")
	after := replace(t, before, form, form+"      required: [email, ip, kvm_id, pw, signature, valid_until]\n")
	for change, got := range map[string][]string{"New": gradesOf(t, before, after), "Deleted": gradesOf(t, after, before)} {
		var want []string
		for _, field := range []string{"email", "ip", "kvm_id", "pw", "signature", "valid_until"} {
			want = append(want, "compatible  setPTR: Request body/application/x-www-form-urlencoded: "+change+" required property: "+field+": the library always sends it")
		}
		if !slices.Equal(got, want) {
			t.Errorf("report =\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

// The report begins with breaking changes and ends with mere wording, wherever in the
// document they are.
func TestReportIsInOrder(t *testing.T) {
	t.Parallel()
	got := gradesOf(t, published(t), published(t,
		"Set names", "Set them", // wording, and the first in the document
		inForm, inForm+"        ttl: {type: integer}\n",
		"[set, kept]", "[set, kept, queued]",
		"Broken.", "It broke.",
		"        error:\n", "        reason:\n", // breaking, and the last
	))
	var grades []string
	for _, line := range got {
		grade, _, _ := strings.Cut(line, " ")
		grades = append(grades, grade)
	}
	if want := []string{"breaking", "breaking", "compatible", "compatible", "wording", "wording"}; !slices.Equal(grades, want) || !slices.IsSorted(got) {
		t.Errorf("report =\n%s\nwant the grades %v", strings.Join(got, "\n"), want)
	}
}

// What only overlay.yaml states of an operation is not missed in a published document,
// and what differs from it is.
func TestCheckTightenedByOverlay(t *testing.T) {
	t.Parallel()
	overlay := replace(t, testdata(t, "overlay.yaml"),
		"                        x-go-type: string\n", "                        enum: [success]\n",
		"                        minLength: 1\n", "                        minLength: 1\n                        nullable: true\n                      names: {type: object, additionalProperties: {type: string}}\n",
	)
	const name = "                  name: {type: string}\n"
	for published, want := range map[string]string{
		whole(t, name, name+"                  names: {type: object}\n"): "nothing that concerns us changed\n",
		whole(t, name, name): `breaking    getPTR: Responses/200/application/json: Deleted property: names: released versions still send it, or expect it
something that concerns us changed
`,
		whole(t, name, name+"                  names: {type: object, additionalProperties: {type: integer}}\n"): `breaking    getPTR: Responses/200/application/json/names/AdditionalProperties: Type changed from 'string' to 'integer': released versions still send it, or expect it
something that concerns us changed
`,
	} {
		root := module(t)
		put(t, filepath.Join(root, "overlay.yaml"), overlay)
		if got := run(t, new(app), root, "check", put(t, filepath.Join(t.TempDir(), "spec"), published)); got.stdout != want {
			t.Errorf("check = %+v, want\n%s", got, want)
		}
	}
}
