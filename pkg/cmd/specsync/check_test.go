package main

import (
	"encoding/json"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

const pageNote = "; this is the page of one operation, and the others are not compared\n"

// differences returns the lines that a report removes and adds, by kind.
func differences(report string) map[string][]string {
	lines := make(map[string][]string)
	kind := ""
	for line := range strings.Lines(report) {
		line = strings.TrimSuffix(line, "\n")
		before, _, isHeading := strings.Cut(line, ": POST ")
		switch {
		case isHeading:
			kind = before
		case strings.HasPrefix(line, "--- "), strings.HasPrefix(line, "+++ "):
		case strings.HasPrefix(line, "-"), strings.HasPrefix(line, "+"):
			lines[kind] = append(lines[kind], line)
		}
	}
	return lines
}

// compared returns what check says of a published document, where another is vendored.
func compared(t *testing.T, vendored, published string) result {
	t.Helper()
	root := module(t)
	put(t, filepath.Join(root, vendoredFile), vendored)
	before := files(t, root)
	got := run(t, new(app), root, "check", put(t, filepath.Join(t.TempDir(), "spec.yaml"), published))
	if !maps.Equal(files(t, root), before) {
		t.Error("check changed the tree")
	}
	return got
}

// Each row changes one thing in the document. The change is of the kind, and a line of
// the report for each fact, when the provider makes it and when it takes it back.
func TestChange(t *testing.T) {
	t.Parallel()
	const (
		request   = "/requestBody/content/application~1x-www-form-urlencoded"
		form      = request + "/schema"
		signature = form + "/properties/signature"
		success   = "/responses/200/content/application~1json/schema"
		message   = success + "/properties/message"
		failure   = "/responses/401/content/application~1json/schema"
		reason    = failure + "/properties/error"

		inForm    = "        signature:\n          type: string\n"
		inFailure = "        error:\n          type: string\n"
		ofForm    = "    form_3:\n      type: object\n"
		ofFailure = "    failure_9:\n      type: object\n"
		servers   = "    servers:\n      - url: https://dns.example\n        description: Where names are.\n"
	)
	for name, test := range map[string]struct {
		old, new string
		kind     string // empty if nothing changed
		lines    []string
	}{
		"server":                  {"https://dns.example", "https://dns-2.example", "wire", []string{`-/servers/0/url "https://dns.example"`, `+/servers/0/url "https://dns-2.example"`}},
		"second server":           {servers, servers + "      - url: https://b.example\n", "wire", []string{`+/servers/1/url "https://b.example"`}},
		"server of the document":  {"  - url: https://api.example\n", "  - url: https://api-2.example\n", "", nil},
		"server gone":             {servers, "", "wire", []string{`-/servers/0/url "https://dns.example"`, `+/servers/0/url "https://api.example"`}},
		"server of the operation": {"    post:\n", "    post:\n      servers: [{url: https://c.example}]\n", "wire", []string{`-/servers/0/url "https://dns.example"`, `+/servers/0/url "https://c.example"`}},
		"level of the server":     {servers + "    post:\n", "    post:\n      servers:\n      - url: https://dns.example\n        description: Where names are.\n", "", nil},
		"security":                {"components:\n", "security: [{token: []}]\ncomponents:\n  securitySchemes: {token: {type: http, scheme: bearer}}\n", "wire", []string{"+/security/0/token []", `+/securitySchemes/token/scheme "bearer"`, `+/securitySchemes/token/type "http"`}},
		"no server":               {servers, "    servers: []\n", "wire", []string{`-/servers/0/url "https://dns.example"`}},
		"no security":             {"      operationId", "      security: []\n      operationId", "", nil},
		"security not in force":   {"components:\n  schemas:\n", "components:\n  securitySchemes: {token: {type: http, scheme: bearer}}\n  schemas:\n", "", nil},
		"operation ID":            {"setPTR", "putPTR", "wire", []string{`-/operationId "setPTR"`, `+/operationId "putPTR"`}},
		"encoding":                {"contentType: application/json", "contentType: text/plain", "wire", []string{`-` + request + `/encoding/ip/contentType "application/json"`, `+` + request + `/encoding/ip/contentType "text/plain"`}},
		"encoding gone":           {"            encoding:\n              ip:\n                contentType: application/json\n", "", "wire", []string{`-` + request + `/encoding/ip/contentType "application/json"`}},
		"status":                  {"        '500':\n", "        '403':\n          description: No.\n        '500':\n", "wire", []string{"+/responses/403 {}"}},
		"content of a status":     {"Broken.\n", "Broken.\n          content: {application/json: {schema: {type: string}}}\n", "wire", []string{"-/responses/500 {}", `+/responses/500/content/application~1json/schema/type "string"`}},
		"optional body":           {"        required: true\n", "", "wire", []string{"-/requestBody/required true"}},
		"deprecated":              {"      operationId", "      deprecated: true\n      operationId", "wire", []string{"+/deprecated true"}},
		"parameter":               {"      operationId", "      parameters: [{name: v, in: query, schema: {type: string}}]\n      operationId", "wire", []string{`+/parameters/0/in "query"`, `+/parameters/0/name "v"`, `+/parameters/0/schema/type "string"`}},
		"parameter of the path":   {"    post:\n", "    parameters: [{name: v, in: query, schema: {type: string}}]\n    post:\n", "wire", []string{`+/parameters of the path/0/in "query"`, `+/parameters of the path/0/name "v"`, `+/parameters of the path/0/schema/type "string"`}},
		"header of a response":    {"Broken.\n", "Broken.\n          headers: {description: {schema: {type: string}}}\n", "wire", []string{"-/responses/500 {}", `+/responses/500/headers/description/schema/type "string"`}},

		"type in request":              {inForm, "        signature:\n          type: integer\n", "wire", []string{"-" + signature + `/type "string"`, "+" + signature + `/type "integer"`}},
		"field in request":             {inForm, "        ttl: {type: integer}\n" + inForm, "wire", []string{"+" + form + `/properties/ttl/type "integer"`}},
		"field of any type in request": {inForm, "        ttl: {}\n" + inForm, "wire", []string{"+" + form + "/properties/ttl {}"}},
		"field renamed in request":     {"        kvm_id:", "        server_id:", "wire", []string{"-" + form + `/properties/kvm_id/type "string"`, "+" + form + `/properties/server_id/type "string"`}},
		"required in request":          {ofForm, ofForm + "      required: [api_host]\n", "wire", []string{"+" + form + `/required/- "api_host"`}},
		"enum in request":              {inForm, inForm + "          enum: [a]\n", "wire", []string{"+" + signature + `/enum/- "a"`}},
		"enum value in request":        {"['1', '2']", "['1', 2]", "wire", []string{"-" + form + `/properties/valid_until/enum/- "2"`, "+" + form + `/properties/valid_until/enum/- 2`}},
		"nullable in request":          {inForm, inForm + "          nullable: true\n", "wire", []string{"+" + signature + "/nullable true"}},
		"maxLength in request":         {inForm, inForm + "          maxLength: 8\n", "wire", []string{"+" + signature + "/maxLength 8"}},
		"minLength in request":         {inForm, inForm + "          minLength: 8\n", "wire", []string{"+" + signature + "/minLength 8"}},
		"pattern in request":           {inForm, inForm + "          pattern: '^a'\n", "wire", []string{"+" + signature + `/pattern "^a"`}},
		"format in request":            {inForm, inForm + "          format: date\n", "wire", []string{"+" + signature + `/format "date"`}},
		"default in request":           {inForm, inForm + "          default: a\n", "wire", []string{"+" + signature + `/default "a"`}},
		"limit of a record":            {"          additionalProperties:\n            type: string\n", "          additionalProperties:\n            type: string\n            maxLength: 5\n", "wire", []string{"+" + form + "/properties/ip/additionalProperties/maxLength 5"}},
		"record without type":          {"          additionalProperties:\n            type: string\n", "          additionalProperties: {}\n", "wire", []string{"-" + form + `/properties/ip/additionalProperties/type "string"`, "+" + form + "/properties/ip/additionalProperties {}"}},
		"keyword unknown to specsync":  {inForm, inForm + "          xml: {name: s}\n", "wire", []string{"+" + signature + `/xml/name "s"`}},
		"words in a default":           {inForm, "        d: {default: {description: a}}\n" + inForm, "wire", []string{"+" + form + `/properties/d/default/description "a"`}},
		"field named like words":       {inForm, "        title: {type: string}\n" + inForm, "wire", []string{"+" + form + `/properties/title/type "string"`}},

		"type in response":       {inFailure, "        error:\n          type: integer\n", "wire", []string{"-" + reason + `/type "string"`, "+" + reason + `/type "integer"`}},
		"field in response":      {inFailure, "        ttl: {type: integer}\n" + inFailure, "wire", []string{"+" + failure + `/properties/ttl/type "integer"`}},
		"required in response":   {ofFailure, ofFailure + "      required: [error]\n", "wire", []string{"+" + failure + `/required/- "error"`}},
		"enum in response":       {inFailure, inFailure + "          enum: [a]\n", "wire", []string{"+" + reason + `/enum/- "a"`}},
		"enum value in response": {"[set, kept]", "[set, kept, queued]", "wire", []string{"+" + message + `/enum/- "queued"`}},
		"nullable in response":   {inFailure, inFailure + "          nullable: true\n", "wire", []string{"+" + reason + "/nullable true"}},
		"maxLength in response":  {inFailure, inFailure + "          maxLength: 8\n", "wire", []string{"+" + reason + "/maxLength 8"}},
		"pattern in response":    {inFailure, inFailure + "          pattern: '^a'\n", "wire", []string{"+" + reason + `/pattern "^a"`}},
		"format in response":     {inFailure, inFailure + "          format: date\n", "wire", []string{"+" + reason + `/format "date"`}},
		"media type in response": {"            application/json:\n              schema:\n                $ref: '#/components/schemas/failure_9'", "            text/plain:\n              schema:\n                $ref: '#/components/schemas/failure_9'", "wire", nil},
		"described field":        {"        description:\n          type: string\n", "        description:\n          type: integer\n", "wire", []string{"-" + success + `/properties/description/type "string"`, "+" + success + `/properties/description/type "integer"`}},
		"list in a default":      {inFailure, "        d: {default: [a, b]}\n" + inFailure, "wire", []string{"+" + failure + `/properties/d/default/0 "a"`, "+" + failure + `/properties/d/default/1 "b"`}},
		"recursive":              {inFailure, "        cause: {$ref: '#/components/schemas/failure_9'}\n" + inFailure, "wire", []string{"+" + failure + "/properties/cause as above at " + failure}},

		"number of a schema":     {"schemas/success_7'", "schemas/success_8'", "", nil}, // and its definition, in the test
		"reference written out":  {"                $ref: '#/components/schemas/failure_9'\n", "                type: object\n                properties: {error: {type: string, example: Not let in.}}\n", "", nil},
		"order of a set":         {"[set, kept]", "[kept, set]", "", nil},
		"order of fields":        {"        signature:\n          type: string\n        kvm_id:\n", "        kvm_id:\n", "", nil}, // moved in the test
		"comment":                {"openapi:", "# new\nopenapi:", "", nil},
		"another method":         {"    post:\n", "    get: {responses: {'200': {description: On.}}}\n    post:\n", "", nil},
		"quotation marks":        {"type: string\n        kvm_id", "\"type\": 'string'\n        kvm_id", "", nil},
		"description":            {"Which server.", "A server.", "wording", []string{"-" + form + `/properties/kvm_id/description "Which server."`, "+" + form + `/properties/kvm_id/description "A server."`}},
		"example in request":     {"kvm_1_2", "kvm_3_4", "wording", []string{"-" + form + `/properties/kvm_id/example "kvm_1_2"`, "+" + form + `/properties/kvm_id/example "kvm_3_4"`}},
		"example in response":    {"          example: Not let in.\n", "          example: {type: a}\n", "wording", []string{"-" + reason + `/example "Not let in."`, "+" + reason + `/example/type "a"`}},
		"title":                  {ofForm, ofForm + "      title: Form\n", "wording", []string{"+" + form + `/title "Form"`}},
		"summary":                {"Set names", "Set them", "wording", []string{`-/summary "Set names"`, `+/summary "Set them"`}},
		"tag":                    {"[names]", "[names, more]", "wording", []string{`+/tags/- "more"`}},
		"link to documentation":  {"      operationId", "      externalDocs: {url: https://d.example}\n      operationId", "wording", []string{`+/externalDocs/url "https://d.example"`}},
		"words of a server":      {"Where names are.", "There.", "wording", []string{`-/servers/0/description "Where names are."`, `+/servers/0/description "There."`}},
		"words of a response":    {"Done.", "Did it.", "wording", []string{`-/responses/200/description "Done."`, `+/responses/200/description "Did it."`}},
		"examples with names":    {"                $ref: '#/components/schemas/failure_9'\n", "                $ref: '#/components/schemas/failure_9'\n              examples: {a: {value: {required: [b]}}}\n", "wording", []string{`+/responses/401/content/application~1json/examples/a/value/required/- "b"`}},
		"text for a terminal":    {"Which server.", `"a\nb\u202e\u200b\u0007"`, "wording", []string{"-" + form + `/properties/kvm_id/description "Which server."`, "+" + form + `/properties/kvm_id/description "a\nb\u202e\u200b\a"`}},
		"name for a terminal":    {inForm, "        \"a\\nb/~\\u202e\": {type: integer}\n" + inForm, "wire", []string{"+" + form + `/properties/a\nb~1~0\u202e/type "integer"`}},
		"words of a nested item": {"            type: string\n    success_7", "            type: string\n            description: A name.\n    success_7", "wording", []string{"+" + form + `/properties/ip/additionalProperties/description "A name."`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, after := published(t), published(t, test.old, test.new)
			switch name {
			case "number of a schema":
				after = replace(t, after, "    success_7:", "    success_8:")
			case "order of fields":
				after = replace(t, after, "        api_host:\n", "        signature:\n          type: string\n        api_host:\n")
			}
			testDirection(t, before, after, test.kind, test.lines)
			var takenBack []string
			for _, line := range test.lines {
				takenBack = append(takenBack, map[byte]string{'+': "-", '-': "+"}[line[0]]+line[1:])
			}
			testDirection(t, after, before, test.kind, takenBack)
		})
	}
}

func testDirection(t *testing.T, vendored, published, kind string, lines []string) {
	t.Helper()
	got := compared(t, vendored, published)
	status, summary := exitDone, "nothing changed on the wire"
	if kind == "wire" {
		status, summary = exitChanged, "something changed on the wire"
	}
	if got.status != status || !strings.Contains(got.stdout, summary) {
		t.Errorf("check = %+v, want %d, %s", got, status, summary)
	}
	all := differences(got.stdout)
	if kind == "" && len(all) > 0 || kind != "" && len(all[kind]) == 0 || len(all) > 1 && len(lines) > 0 && kind == "wording" {
		t.Errorf("check prints\n%s\nwant only changes of kind %q", got.stdout, kind)
	}
	slices.Sort(lines)
	slices.Sort(all[kind])
	if len(lines) > 0 && !slices.Equal(all[kind], lines) {
		t.Errorf("check prints\n%s\nwant of kind %s\n%s", got.stdout, kind, strings.Join(lines, "\n"))
	}
}

// The report is a unified diff for each operation and kind, what is on the wire first,
// and a summary.
func TestReport(t *testing.T) {
	t.Parallel()
	got := compared(t, published(t), published(t, "Set names", "Set them", "https://dns.example", "https://dns-2.example"))
	if want := `wire: POST /set/ptr
--- openapi.yaml
+++ published
@@ -24,4 +24,4 @@
 /responses/401/content/application~1json/schema/properties/error/type "string"
 /responses/401/content/application~1json/schema/type "object"
 /responses/500 {}
-/servers/0/url "https://dns.example"
+/servers/0/url "https://dns-2.example"
wording: POST /set/ptr
--- openapi.yaml
+++ published
@@ -5,5 +5,5 @@
 /responses/401/description "Not let in."
 /responses/500/description "Broken."
 /servers/0/description "Where names are."
-/summary "Set names"
+/summary "Set them"
 /tags/- "names"
something changed on the wire` + pageNote; got.stdout != want {
		t.Errorf("check prints\n%s\nwant\n%s", got.stdout, want)
	}
}

// An operation that is gone is one line.
func TestOperationGone(t *testing.T) {
	t.Parallel()
	for name, change := range map[string][2]string{"moved": {"/set/ptr:", "/v3/set/ptr:"}, "method": {"    post:", "    put:"}} {
		got := compared(t, published(t), published(t, change[0], change[1]))
		if want := "wire: POST /set/ptr\n--- openapi.yaml\n+++ published\n@@ -1,1 +0,0 @@\n-POST /set/ptr\nsomething changed on the wire"; got.status != exitChanged || !strings.HasPrefix(got.stdout, want) {
			t.Errorf("%s: check = %+v, want %s", name, got, want)
		}
	}
}

// whole is a document with another operation that we use and one that we do not.
func whole(t *testing.T, replacements ...string) string {
	t.Helper()
	return replace(t, published(t, "components:\n", `  /get/ptr:
    post:
      servers: [{url: https://dns.example}]
      operationId: getPTR
      summary: In their words
      responses:
        '200':
          description: Names, in their words.
          content:
            application/json:
              schema:
                type: object
                properties:
                  status: {type: string}
                  name: {type: string}
                  until: {type: integer}
                  names: {type: array, items: {type: string}}
  /power:
    post: {responses: {'200': {description: On.}}}
components:
`), replacements...)
}

// In a whole document, the operations of overlay.yaml are compared too. Its words do not
// count, and neither does what it adds to the provider's: limits, an earlier form, and
// types that it leaves open.
func TestWholeDocument(t *testing.T) {
	t.Parallel()
	const (
		name   = "                  name: {type: string}\n"
		place  = "/responses/200/content/application~1json/schema/properties"
		schema = "/responses/200/content/application~1json/schema"
	)
	for change, test := range map[string]struct {
		old, new string
		want     []string
	}{
		"none":                  {name, name, nil},
		"words":                 {"In their words", "In other words", nil},
		"field gone":            {name, "", []string{"-" + place + `/name/type "string"`}},
		"field new":             {name, name + "                  more: {type: string}\n", []string{"+" + place + `/more/type "string"`}},
		"type":                  {name, "                  name: {type: integer}\n", []string{"-" + place + `/name/type "string"`, "+" + place + `/name/type "integer"`}},
		"open type":             {"until: {type: integer}", "until: {type: string}", nil},
		"open field gone":       {"                  until: {type: integer}\n", "", []string{"-" + place + "/until {}"}},
		"items":                 {"items: {type: string}", "items: {type: integer}", []string{"-" + place + `/names/items/type "string"`, "+" + place + `/names/items/type "integer"`}},
		"nullable":              {name, "                  name: {type: string, nullable: true}\n", []string{"+" + place + "/name/nullable true"}},
		"another limit":         {name, "                  name: {type: string, minLength: 10}\n", []string{"+" + place + "/name/minLength 10"}},
		"the limit of ours":     {name, "                  name: {type: string, minLength: 1}\n", nil},
		"another required":      {"                properties:\n                  status", "                required: [name]\n                properties:\n                  status", []string{"+" + schema + `/required/- "name"`}},
		"the required of ours":  {"                properties:\n                  status", "                required: [status]\n                properties:\n                  status", nil},
		"another value":         {"status: {type: string}\n                  name", "status: {type: string, enum: [success, queued]}\n                  name", []string{"+" + place + `/status/enum/- "queued"`}},
		"the earlier form back": {name, name + "                  earlier: {type: object}\n", []string{"+" + place + `/earlier/type "object"`}},
		"server":                {"[{url: https://dns.example}]", "[{url: https://b.example}]", []string{`-/servers/0/url "https://dns.example"`, `+/servers/0/url "https://b.example"`}},
		"gone":                  {"/get/ptr:", "/v3/get/ptr:", []string{"-POST /get/ptr"}},
	} {
		t.Run(change, func(t *testing.T) {
			t.Parallel()
			content := whole(t, test.old, test.new)
			for form, content := range map[string]string{"YAML": content, "JSON": toJSON(t, content)} {
				got := compared(t, published(t), content)
				if lines := differences(got.stdout); !slices.Equal(lines["wire"], test.want) || len(lines["wording"]) > 0 || strings.Contains(got.stdout, pageNote) {
					t.Errorf("check of %s = %+v\nwant\n%s", form, got, strings.Join(test.want, "\n"))
				}
				if want := map[bool]int{true: exitDone, false: exitChanged}[len(test.want) == 0]; got.status != want {
					t.Errorf("check of %s = %d, want %d", form, got.status, want)
				}
			}
		})
	}
}

func toJSON(t *testing.T, content string) string {
	t.Helper()
	var value any
	if err := yaml.Unmarshal([]byte(content), &value); err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}

// A page gives the same result as its document, which specsync document prints.
func TestPage(t *testing.T) {
	t.Parallel()
	for name, page := range map[string]string{
		"backticks":   "# Page\n\n```json\n{\"ip\": 1}\n```\n\n````yaml post /set/ptr\nDOCUMENT```` \nmore\n",
		"tildes":      "~~~\nDOCUMENT~~~~",
		"inline code": "```` x ```` is code\n\n  ```\nDOCUMENT   ```\n",
		"byte order":  "\ufeff# Page\r\n```yaml\r\nDOCUMENT```\r\n",
		"no page":     "DOCUMENT",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			document := published(t)
			spec := put(t, filepath.Join(t.TempDir(), "page.md"), strings.Replace(page, "DOCUMENT", document, 1))
			if got := run(t, new(app), module(t), "check", spec); got != (result{exitDone, "nothing changed on the wire" + pageNote, ""}) {
				t.Errorf("check = %+v, want nothing changed", got)
			}
			if got := run(t, new(app), module(t), "document", spec); got != (result{exitDone, document, ""}) {
				t.Errorf("document = %+v, want\n%s", got, document)
			}
		})
	}
}

// JSON may write a character beyond the basic plane as two escapes, which YAML does not
// have.
func TestSurrogatesInJSON(t *testing.T) {
	t.Parallel()
	content := strings.Replace(toJSON(t, published(t)), "Which server.", `Which \ud83d\ude00 and \\ud83d\\ude00.`, 1)
	got := compared(t, published(t), content)
	if want := `description "Which 😀 and \\ud83d\\ude00."`; got.status != exitDone || !strings.Contains(got.stdout, want) {
		t.Errorf("check = %+v, want %s", got, want)
	}
}
