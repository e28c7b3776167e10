package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// result is the outcome of a run of specsync.
type result struct {
	status         int
	stdout, stderr string
}

// run runs specsync on a module that holds the documents in testdata.
func run(t *testing.T, a *app, root string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	a.stdout, a.stderr = &stdout, &stderr
	a.root = root
	status := a.exec(t.Context(), args)
	return result{status, stdout.String(), stderr.String()}
}

// module returns a directory with the files of the module that specsync reads and writes.
func module(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	put(t, filepath.Join(root, "openapi.yaml"), testdata(t, "openapi.yaml"))
	put(t, filepath.Join(root, "overlay.yaml"), testdata(t, "overlay.yaml"))
	put(t, filepath.Join(root, "gen", "edis.gen.go"), "package gen // of the old document\n")
	put(t, filepath.Join(root, ".git", "config"), "not to be copied")
	return root
}

func put(t *testing.T, name, content string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func testdata(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// published returns the document in testdata with texts replaced, each of which
// must be there: old, new, old, new.
func published(t *testing.T, replacements ...string) string {
	t.Helper()
	return replace(t, testdata(t, "openapi.yaml"), replacements...)
}

func replace(t *testing.T, content string, replacements ...string) string {
	t.Helper()
	for pair := range slices.Chunk(replacements, 2) {
		if !strings.Contains(content, pair[0]) {
			t.Fatalf("the document does not hold %q", pair[0])
		}
		content = strings.Replace(content, pair[0], pair[1], 1)
	}
	return content
}

// files returns all files below a directory, and their content.
func files(t *testing.T, root string) map[string]string {
	t.Helper()
	found := make(map[string]string)
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		found[strings.TrimPrefix(path, root)] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

const (
	inForm    = "        signature:\n          type: string\n"
	inSuccess = "        status:\n          type: string\n"
	message   = "        message:\n          type: string\n          maxLength: 20\n          enum: [set, kept]\n"
	pageLine  = "; this is the page of one operation, and the others are not compared\n"
)

// Each row changes one thing. The lines are the whole report, in order, each cut off
// where the row ends it.
func TestCheckGrades(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		replace []string
		lines   []string
	}{
		"renumbered": {[]string{"schemas/success_7", "schemas/success_8", "    success_7:", "    success_8:"}, nil},
		"set order":  {[]string{"[set, kept]", "[kept, set]"}, nil},

		"description":          {[]string{"Which server.", "A server."}, []string{`wording     setPTR: Request body/application/x-www-form-urlencoded/kvm_id: Description changed from 'Which server.' to 'A server.': nothing on the wire`}},
		"example in response":  {[]string{"          example: Not let in.\n", ""}, []string{`wording     setPTR: Responses/401/application/json/error: Example changed from 'Not let in.' to null`}},
		"summary":              {[]string{"Set names", "Set them"}, []string{`wording     setPTR: Summary changed from 'Set names' to 'Set them'`}},
		"tag":                  {[]string{"[names]", "[names, more]"}, []string{`wording     setPTR: Tags changed from '' to 'more'`}},
		"server description":   {[]string{"Where names are.", "There."}, []string{`wording     setPTR: Servers/https://dns.example: Description changed from 'Where names are.' to 'There.'`}},
		"field description":    {[]string{"        description:\n          type: string\n", "        description:\n          type: integer\n"}, []string{`breaking    setPTR: Responses/200/application/json/description: Type changed from 'string' to 'integer'`}},
		"response description": {[]string{"Done.", "Did it."}, []string{`wording     setPTR: Responses/200: Description changed from 'Done.' to 'Did it.'`}},

		"operation id":        {[]string{"setPTR", "putPTR"}, []string{`compatible  setPTR: OperationID changed from 'setPTR' to 'putPTR': our code looks the operation up by its id`}},
		"moved":               {[]string{"/set/ptr:", "/v3/set/ptr:"}, []string{`breaking    setPTR: POST /set/ptr is gone: released versions still call it`}},
		"method":              {[]string{"    post:", "    put:"}, []string{`breaking    setPTR: POST /set/ptr is gone`}},
		"server":              {[]string{"https://dns.example", "https://dns-2.example"}, []string{`breaking    setPTR: Servers: Deleted server: https://dns.example: released versions still send requests, session included, where and as before`, `breaking    setPTR: Servers: New server: https://dns-2.example: released versions still send requests, session included, where and as before`}},
		"second server":       {[]string{"        description: Where names are.\n", "        description: Where names are.\n      - url: https://b.example\n"}, []string{`breaking    setPTR: Servers: New server: https://b.example`}},
		"server gone":         {[]string{"    servers:\n      - url: https://dns.example\n        description: Where names are.\n", ""}, []string{`breaking    setPTR: Servers: Deleted server: https://dns.example`, `breaking    setPTR: Servers: New server: https://api.example`}},
		"server level":        {[]string{"    servers:\n      - url: https://dns.example\n        description: Where names are.\n    post:\n", "    post:\n      servers:\n      - url: https://dns.example\n        description: Where names are.\n"}, nil},
		"encoding":            {[]string{"contentType: application/json", "contentType: text/plain"}, []string{`breaking    setPTR: Request body/application/x-www-form-urlencoded: Encodings changed: the service may read a field in another way than it is sent`}},
		"encoding gone":       {[]string{"            encoding:\n              ip:\n                contentType: application/json\n", ""}, []string{`breaking    setPTR: Request body/application/x-www-form-urlencoded: Encodings changed`}},
		"status gone":         {[]string{"        '500':\n          description: Broken.\n", ""}, []string{`breaking    setPTR: Responses: Deleted response: 500: released versions know only the old statuses`}},
		"status new":          {[]string{"        '500':", "        '403':\n          description: No.\n        '500':"}, []string{`breaking    setPTR: Responses: New response: 403`}},
		"security":            {[]string{"components:\n", "security: [{token: []}]\ncomponents:\n  securitySchemes: {token: {type: http, scheme: bearer}}\n"}, []string{`breaking    setPTR: Security: New security requirements: token: released versions still send requests, session included, where and as before`}},
		"no security":         {[]string{"      operationId", "      security: []\n      operationId"}, nil},
		"request type":        {[]string{inForm, strings.Replace(inForm, "string", "integer", 1)}, []string{`breaking    setPTR: Request body/application/x-www-form-urlencoded/signature: Type changed from 'string' to 'integer'`}},
		"response type":       {[]string{inSuccess, strings.Replace(inSuccess, "string", "integer", 1)}, []string{`breaking    setPTR: Responses/200/application/json/status: Type changed from 'string' to 'integer'`}},
		"ip becomes string":   {[]string{"          type: object\n          additionalProperties:\n            type: string\n", "          type: string\n"}, []string{`breaking    setPTR: Request body/application/x-www-form-urlencoded/ip: Type changed from 'object' to 'string'`, `compatible  setPTR: Request body/application/x-www-form-urlencoded/ip/AdditionalProperties: Schema deleted`}},
		"renamed in request":  {[]string{"        kvm_id:", "        server_id:"}, []string{`breaking    setPTR: Request body/application/x-www-form-urlencoded: Deleted property: kvm_id`, `compatible  setPTR: Request body/application/x-www-form-urlencoded: New property: server_id`}},
		"renamed in response": {[]string{"        error:", "        reason:"}, []string{`breaking    setPTR: Responses/401/application/json: Deleted property: error`, `compatible  setPTR: Responses/401/application/json: New property: reason`}},
		"lost in request":     {[]string{inForm, ""}, []string{`breaking    setPTR: Request body/application/x-www-form-urlencoded: Deleted property: signature: released versions still send it, or expect it`}},
		"lost in response":    {[]string{inSuccess, ""}, []string{`breaking    setPTR: Responses/200/application/json: Deleted property: status: released versions still send it, or expect it`}},
		"new in request":      {[]string{inForm, inForm + "        ttl: {type: integer}\n"}, []string{`compatible  setPTR: Request body/application/x-www-form-urlencoded: New property: ttl`}},
		"new in response":     {[]string{inSuccess, inSuccess + "        ttl: {type: integer}\n"}, []string{`compatible  setPTR: Responses/200/application/json: New property: ttl`}},
		"content gone":        {[]string{"          content:\n            application/json:\n              schema:\n                $ref: '#/components/schemas/failure_9'\n", ""}, []string{`breaking    setPTR: Responses/401: Deleted media type: application/json`}},
		"content new":         {[]string{"Broken.\n", "Broken.\n          content: {application/json: {schema: {type: object}}}\n"}, []string{`compatible  setPTR: Responses/500: New media type: application/json`}},
		"media type":          {[]string{"            application/json:\n", "            text/plain:\n"}, []string{`breaking    setPTR: Responses/200: Deleted media type: application/json`, `compatible  setPTR: Responses/200: New media type: text/plain`}},

		"required, always sent":   {[]string{"    form_3:\n", "    form_3:\n      required: [kvm_id]\n"}, []string{`compatible  setPTR: Request body/application/x-www-form-urlencoded: New required property: kvm_id: the library always sends it`}},
		"required, may be absent": {[]string{"    form_3:\n", "    form_3:\n      required: [api_host, ip]\n"}, []string{`breaking    setPTR: Request body/application/x-www-form-urlencoded: New required property: api_host`, `compatible  setPTR: Request body/application/x-www-form-urlencoded: New required property: ip`}},
		"required and new":        {[]string{inForm, inForm + "        ttl: {type: integer}\n", "    form_3:\n", "    form_3:\n      required: [ttl]\n"}, []string{`breaking    setPTR: Request body/application/x-www-form-urlencoded: New required property: ttl`, `compatible  setPTR: Request body/application/x-www-form-urlencoded: New property: ttl`}},
		"optional body":           {[]string{"        required: true\n", ""}, []string{`compatible  setPTR: Request body changed`}},
		"optional in response":    {[]string{"      required: [message]\n", ""}, []string{`breaking    setPTR: Responses/200/application/json: Deleted required property: message`}},
		"required in response":    {[]string{"[message]", "[message, status]"}, []string{`compatible  setPTR: Responses/200/application/json: New required property: status`}},

		"enum value new in request":   {[]string{"['1', '2']", "['1', '2', '3']"}, []string{`compatible  setPTR: Request body/application/x-www-form-urlencoded/valid_until: New enum values: [3]`}},
		"enum value gone in request":  {[]string{"['1', '2']", "['1']"}, []string{`breaking    setPTR: Request body/application/x-www-form-urlencoded/valid_until: Deleted enum values: [2]`}},
		"enum gone in request":        {[]string{"          enum: ['1', '2']\n", ""}, []string{`compatible  setPTR: Request body/application/x-www-form-urlencoded/valid_until: Deleted enum values: [1 2]`}},
		"enum in request":             {[]string{inForm, inForm + "          enum: [a]\n"}, []string{`breaking    setPTR: Request body/application/x-www-form-urlencoded/signature: New enum values: [a]: released versions send or expect something else`}},
		"enum value new in response":  {[]string{"[set, kept]", "[set, kept, queued]"}, []string{`breaking    setPTR: Responses/200/application/json/message: New enum values: [queued]`}},
		"enum value gone in response": {[]string{"[set, kept]", "[set]"}, []string{`compatible  setPTR: Responses/200/application/json/message: Deleted enum values: [kept]`}},
		"enum gone in response":       {[]string{"          enum: [set, kept]\n", ""}, []string{`breaking    setPTR: Responses/200/application/json/message: Deleted enum values: [set kept]`}},
		"enum of overlay.yaml":        {[]string{inSuccess, inSuccess + "          enum: [success]\n"}, []string{`compatible  setPTR: Responses/200/application/json/status: New enum values: [success]`}},
		"nullable in request":         {[]string{inForm, inForm + "          nullable: true\n"}, []string{`compatible  setPTR: Request body/application/x-www-form-urlencoded/signature: Nullable changed from false to true`}},
		"not nullable in request":     {[]string{"          maxLength: 20\n          nullable: true\n", "          maxLength: 20\n"}, []string{`breaking    setPTR: Request body/application/x-www-form-urlencoded/valid_until: Nullable changed from true to false`}},
		"nullable in response":        {[]string{inSuccess, inSuccess + "          nullable: true\n"}, []string{`breaking    setPTR: Responses/200/application/json/status: Nullable changed from false to true`}},
		"not nullable in response":    {[]string{"          nullable: true\n    failure", "    failure"}, []string{`compatible  setPTR: Responses/200/application/json/description: Nullable changed from true to false`}},
		"limit lower in request":      {[]string{"maxLength: 20", "maxLength: 10"}, []string{`breaking    setPTR: Request body/application/x-www-form-urlencoded/valid_until: MaxLength changed from 20 to 10`}},
		"limit higher in request":     {[]string{"maxLength: 20", "maxLength: 30"}, []string{`compatible  setPTR: Request body/application/x-www-form-urlencoded/valid_until: MaxLength changed from 20 to 30`}},
		"limit new in request":        {[]string{inForm, inForm + "          minLength: 8\n"}, []string{`breaking    setPTR: Request body/application/x-www-form-urlencoded/signature: MinLength changed from 0 to 8`}},
		"limit lower in response":     {[]string{message, strings.Replace(message, "20", "10", 1)}, []string{`compatible  setPTR: Responses/200/application/json/message: MaxLength changed from 20 to 10: released versions keep working`}},
		"limit higher in response":    {[]string{message, strings.Replace(message, "20", "30", 1)}, []string{`breaking    setPTR: Responses/200/application/json/message: MaxLength changed from 20 to 30`}},
		"limit gone in response":      {[]string{message, strings.Replace(message, "          maxLength: 20\n", "", 1)}, []string{`breaking    setPTR: Responses/200/application/json/message: MaxLength changed from 20 to null`}},

		"no rule of oasdiff": {[]string{"        kvm_id:\n", "        kvm_id:\n          xml: {name: id}\n"}, []string{`breaking    setPTR: Request body/application/x-www-form-urlencoded/kvm_id: XML changed from <nil> to &{map[] <nil> id   false false}: oasdiff has no check for this; take a look`}},
		"recursive":          {[]string{"        error:\n          type: string\n          example: Not let in.\n", "        error:\n          $ref: '#/components/schemas/failure_9'\n"}, []string{`breaking    setPTR: Responses/401/application/json/error: Type changed from 'string' to 'object'`, `compatible  setPTR: Responses/401/application/json/error: New property: error`, `wording     setPTR: Responses/401/application/json/error: Example changed from 'Not let in.' to null`}},
		"one line, bounded":  {[]string{"Which server.", `"a\nb\u202e\u200b\u0007` + strings.Repeat("c", 300) + `"`}, []string{`wording     setPTR: Request body/application/x-www-form-urlencoded/kvm_id: Description changed from 'Which server.' to 'a`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := module(t)
			before := files(t, root)
			spec := put(t, filepath.Join(t.TempDir(), "spec.yaml"), published(t, test.replace...))
			got := run(t, new(app), root, "check", spec)
			want, summary := exitChanged, "something that concerns us changed"+pageLine
			switch {
			case len(test.lines) == 0:
				want, summary = exitDone, "nothing that concerns us changed"+pageLine
			case strings.HasPrefix(test.lines[0], "wording"):
				want, summary = exitDone, "nothing that concerns us changed"+pageLine
			}
			if got.status != want || !strings.HasSuffix(got.stdout, summary) {
				t.Errorf("check = %d, %s%s\nwant %d, %s", got.status, got.stdout, got.stderr, want, summary)
			}
			lines := strings.Split(got.stdout, "\n")
			if len(lines) != len(test.lines)+2 {
				t.Fatalf("check prints\n%s\nwant %d lines and a summary", got.stdout, len(test.lines))
			}
			for i, want := range test.lines {
				if !strings.HasPrefix(lines[i], want) {
					t.Errorf("line %d is\n%s\nwant\n%s", i, lines[i], want)
				}
			}
			if !maps.Equal(files(t, root), before) {
				t.Error("check changed the tree")
			}
		})
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
  /power:
    post: {responses: {'200': {description: On.}}}
components:
`), replacements...)
}

// In a whole document the operations of overlay.yaml are compared too.
func TestCheckWhole(t *testing.T) {
	t.Parallel()
	const changed, same = "something that concerns us changed\n", "nothing that concerns us changed\n"
	const gone = "breaking    getPTR: Responses/200/application/json: Deleted property: name: released versions still send it, or expect it\n"
	for name, test := range map[string]struct {
		replace []string
		want    string
	}{
		"same":       {nil, same},
		"nullable":   {[]string{"                  name: {type: string}\n", "                  name: {type: string, nullable: true}\n"}, "breaking    getPTR: Responses/200/application/json/name: Nullable changed from false to true: released versions send or expect something else\n" + changed},
		"field gone": {[]string{"                  name: {type: string}\n", ""}, gone + changed},
		"limit":      {[]string{"                  name: {type: string}\n", "                  name: {type: string, minLength: 10}\n"}, "breaking    getPTR: Responses/200/application/json/name: MinLength changed from 1 to 10: released versions send or expect something else\n" + changed},
		"missing":    {[]string{"/get/ptr:", "/v3/get/ptr:"}, "breaking    getPTR: POST /get/ptr is gone: released versions still call it\n" + changed},
		"both": {[]string{"                  name: {type: string}\n", "", "Which", "What"},
			gone + `wording     setPTR: Request body/application/x-www-form-urlencoded/kvm_id: Description changed from 'Which server.' to 'What server.': nothing on the wire
` + changed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			content := whole(t, test.replace...)
			for _, content := range []string{content, toJSON(t, content)} {
				spec := put(t, filepath.Join(t.TempDir(), "spec"), content)
				if got := run(t, new(app), module(t), "check", spec); got.stdout != test.want || (got.status == exitDone) != (test.want == same) {
					t.Errorf("check = %+v, want\n%s", got, test.want)
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
	return string(must(json.Marshal(value)))
}

// A page and its document give the same result, with positions in the page.
func TestCheckPage(t *testing.T) {
	t.Parallel()
	for name, page := range map[string]string{
		"backticks":   "# Page\n\n```json\n{\"ip\": 1}\n```\n\n````yaml post /set/ptr\nDOCUMENT```` \nmore\n",
		"tildes":      "~~~\nDOCUMENT~~~~",
		"inline code": "```` x ```` is code\n\n  ```\nDOCUMENT   ```\n",
		"byte order":  "\ufeff# Page\r\n```yaml\r\nDOCUMENT```\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := put(t, filepath.Join(t.TempDir(), "page.md"), strings.Replace(page, "DOCUMENT", published(t), 1))
			if got := run(t, new(app), module(t), "check", spec); got.stdout != "nothing that concerns us changed"+pageLine {
				t.Errorf("check = %+v, want nothing changed", got)
			}
		})
	}
}
