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

// result is what a run of specsync left behind.
type result struct {
	status         int
	stdout, stderr string
}

// run runs specsync on a module that holds the documents in testdata.
func run(t *testing.T, a *app, root string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	a.stdout, a.stderr = &stdout, &stderr
	status := a.exec(t.Context(), append([]string{"--root", root}, args...))
	return result{status, stdout.String(), stderr.String()}
}

// module returns a directory with what specsync reads and writes of the module.
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

// Each row changes one thing. The lines are all of the report, in order, each up
// to where the row ends it.
func TestCheckGrades(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		replace []string
		lines   []string
	}{
		"renumbered": {[]string{"schemas/success_7", "schemas/success_8", "    success_7:", "    success_8:"}, nil},
		"set order":  {[]string{"[set, kept]", "[kept, set]"}, nil},

		"description":          {[]string{"Which server.", "A server."}, []string{`wording     setPTR: requestBody/kvm_id/description is now "A server.", was "Which server."`}},
		"example in response":  {[]string{"          example: Not let in.\n", ""}, []string{`wording     setPTR: responses/401/error/example is gone: "Not let in."`}},
		"summary":              {[]string{"Set names", "Set them"}, []string{`wording     setPTR: summary is now "Set them"`}},
		"tag":                  {[]string{"[names]", "[names, more]"}, []string{`wording     setPTR: tags is new: "more"`}},
		"server description":   {[]string{"Where names are.", "There."}, []string{"wording     setPTR: servers/0/description is now"}},
		"field description":    {[]string{"        description:\n          type: string\n", "        description:\n          type: integer\n"}, []string{"breaking    setPTR: responses/200/description/type is now \"integer\", was \"string\": released versions expect"}},
		"response description": {[]string{"Done.", "Did it."}, []string{"wording     setPTR: responses/200/description is now"}},

		"operation id":        {[]string{"setPTR", "putPTR"}, []string{`compatible  setPTR: operationId is now "putPTR", was "setPTR": our code looks`}},
		"moved":               {[]string{"/set/ptr:", "/v3/set/ptr:"}, []string{"breaking    setPTR: POST /set/ptr is gone: released versions still call it"}},
		"method":              {[]string{"    post:", "    put:"}, []string{"breaking    setPTR: POST /set/ptr is gone"}},
		"server":              {[]string{"https://dns.example", "https://dns-2.example"}, []string{`breaking    setPTR: servers/0/url is now "https://dns-2.example", was "https://dns.example": released versions still send`}},
		"second server":       {[]string{"        description: Where names are.\n", "        description: Where names are.\n      - url: https://b.example\n"}, []string{`breaking    setPTR: servers is new: {"url":"https://b.example"}`}},
		"server gone":         {[]string{"    servers:\n      - url: https://dns.example\n        description: Where names are.\n", ""}, []string{`breaking    setPTR: servers/0/url is now "https://api.example"`, `compatible  setPTR: x-server-level is now "document"`, "wording     setPTR: servers/0/description is gone"}},
		"server level":        {[]string{"    servers:\n      - url: https://dns.example\n        description: Where names are.\n    post:\n", "    post:\n      servers:\n      - url: https://dns.example\n        description: Where names are.\n"}, []string{`compatible  setPTR: x-server-level is now "operation", was "path": the address is the same`}},
		"encoding":            {[]string{"contentType: application/json", "contentType: text/plain"}, []string{`breaking    setPTR: requestBody/content/application/x-www-form-urlencoded/encoding/ip/contentType is now "text/plain"`}},
		"encoding gone":       {[]string{"            encoding:\n              ip:\n                contentType: application/json\n", ""}, []string{"breaking    setPTR: requestBody/content/application/x-www-form-urlencoded/encoding is gone"}},
		"status gone":         {[]string{"        '500':\n          description: Broken.\n", ""}, []string{"breaking    setPTR: responses/500 is gone"}},
		"status new":          {[]string{"        '500':", "        '403':\n          description: No.\n        '500':"}, []string{"breaking    setPTR: responses/403 is new"}},
		"security":            {[]string{"components:\n", "security: [{token: []}]\ncomponents:\n  securitySchemes: {token: {type: http, scheme: bearer}}\n"}, []string{"breaking    setPTR: security is new", "breaking    setPTR: x-security-schemes is new"}},
		"no security":         {[]string{"      operationId", "      security: []\n      operationId"}, nil},
		"request type":        {[]string{inForm, strings.Replace(inForm, "string", "integer", 1)}, []string{`breaking    setPTR: requestBody/signature/type is now "integer", was "string": released versions still send`}},
		"response type":       {[]string{inSuccess, strings.Replace(inSuccess, "string", "integer", 1)}, []string{`breaking    setPTR: responses/200/status/type is now "integer"`}},
		"ip becomes string":   {[]string{"          type: object\n          additionalProperties:\n            type: string\n", "          type: string\n"}, []string{"breaking    setPTR: requestBody/ip/additionalProperties is gone", `breaking    setPTR: requestBody/ip/type is now "string", was "object"`}},
		"renamed in request":  {[]string{"        kvm_id:", "        server_id:"}, []string{"breaking    setPTR: requestBody/kvm_id is gone", "compatible  setPTR: requestBody/server_id is new"}},
		"renamed in response": {[]string{"        error:", "        reason:"}, []string{"breaking    setPTR: responses/401/error is gone", "compatible  setPTR: responses/401/reason is new"}},
		"lost in request":     {[]string{inForm, ""}, []string{"breaking    setPTR: requestBody/signature is gone: {\"type\":\"string\"}: released versions still send it"}},
		"lost in response":    {[]string{inSuccess, ""}, []string{"breaking    setPTR: responses/200/status is gone"}},
		"new in request":      {[]string{inForm, inForm + "        ttl: {type: integer}\n"}, []string{"compatible  setPTR: requestBody/ttl is new"}},
		"new in response":     {[]string{inSuccess, inSuccess + "        ttl: {type: integer}\n"}, []string{"compatible  setPTR: responses/200/ttl is new"}},
		"content gone":        {[]string{"          content:\n            application/json:\n              schema:\n                $ref: '#/components/schemas/failure_9'\n", ""}, []string{"breaking    setPTR: responses/401/content is gone"}},
		"content new":         {[]string{"Broken.\n", "Broken.\n          content: {application/json: {schema: {type: object}}}\n"}, []string{"compatible  setPTR: responses/500/content is new"}},
		"media type":          {[]string{"            application/json:\n", "            text/plain:\n"}, []string{"breaking    setPTR: responses/200/content/application/json is gone", "compatible  setPTR: responses/200/content/text/plain is new"}},

		"required, always sent":   {[]string{"    form_3:\n", "    form_3:\n      required: [kvm_id]\n"}, []string{`compatible  setPTR: requestBody/required is new: "kvm_id": overlay.yaml says so already`}},
		"required, may be absent": {[]string{"    form_3:\n", "    form_3:\n      required: [api_host, ip]\n"}, []string{`breaking    setPTR: requestBody/required is new: "api_host": the library may leave it out`, `compatible  setPTR: requestBody/required is new: "ip"`}},
		"required and new":        {[]string{inForm, inForm + "        ttl: {type: integer}\n", "    form_3:\n", "    form_3:\n      required: [ttl]\n"}, []string{`breaking    setPTR: requestBody/required is new: "ttl"`, "compatible  setPTR: requestBody/ttl is new"}},
		"optional body":           {[]string{"        required: true\n", ""}, []string{"compatible  setPTR: requestBody/required is gone: true"}},
		"optional in response":    {[]string{"      required: [message]\n", ""}, []string{`breaking    setPTR: responses/200/required is gone: "message"`}},
		"required in response":    {[]string{"[message]", "[message, status]"}, []string{`compatible  setPTR: responses/200/required is new: "status"`}},

		"enum value new in request":   {[]string{"['1', '2']", "['1', '2', '3']"}, []string{"compatible  setPTR: requestBody/valid_until/enum is new"}},
		"enum value gone in request":  {[]string{"['1', '2']", "['1']"}, []string{"breaking    setPTR: requestBody/valid_until/enum is gone"}},
		"enum gone in request":        {[]string{"          enum: ['1', '2']\n", ""}, []string{"compatible  setPTR: requestBody/valid_until/enum is gone"}},
		"enum in request":             {[]string{inForm, inForm + "          enum: [a]\n"}, []string{"breaking    setPTR: requestBody/signature/enum is new"}},
		"enum value new in response":  {[]string{"[set, kept]", "[set, kept, queued]"}, []string{`breaking    setPTR: responses/200/message/enum is new: "queued"`}},
		"enum value gone in response": {[]string{"[set, kept]", "[set]"}, []string{"compatible  setPTR: responses/200/message/enum is gone"}},
		"enum gone in response":       {[]string{"          enum: [set, kept]\n", ""}, []string{"breaking    setPTR: responses/200/message/enum is gone"}},
		"enum of overlay.yaml":        {[]string{inSuccess, inSuccess + "          enum: [success]\n"}, []string{"compatible  setPTR: responses/200/status/enum is new: [\"success\"]: overlay.yaml says so already"}},
		"nullable in request":         {[]string{inForm, inForm + "          nullable: true\n"}, []string{"compatible  setPTR: requestBody/signature/nullable is new"}},
		"not nullable in request":     {[]string{"          maxLength: 20\n          nullable: true\n", "          maxLength: 20\n"}, []string{"breaking    setPTR: requestBody/valid_until/nullable is gone"}},
		"nullable in response":        {[]string{inSuccess, inSuccess + "          nullable: true\n"}, []string{"breaking    setPTR: responses/200/status/nullable is new"}},
		"not nullable in response":    {[]string{"          nullable: true\n    failure", "    failure"}, []string{"compatible  setPTR: responses/200/description/nullable is gone"}},
		"limit lower in request":      {[]string{"maxLength: 20", "maxLength: 10"}, []string{"breaking    setPTR: requestBody/valid_until/maxLength is now 10, was 20"}},
		"limit higher in request":     {[]string{"maxLength: 20", "maxLength: 30"}, []string{"compatible  setPTR: requestBody/valid_until/maxLength is now 30, was 20"}},
		"limit new in request":        {[]string{inForm, inForm + "          minLength: 8\n"}, []string{"breaking    setPTR: requestBody/signature/minLength is new: 8"}},
		"limit lower in response":     {[]string{message, strings.Replace(message, "20", "10", 1)}, []string{"compatible  setPTR: responses/200/message/maxLength is now 10"}},
		"limit higher in response":    {[]string{message, strings.Replace(message, "20", "30", 1)}, []string{"breaking    setPTR: responses/200/message/maxLength is now 30"}},
		"limit gone in response":      {[]string{message, strings.Replace(message, "          maxLength: 20\n", "", 1)}, []string{"breaking    setPTR: responses/200/message/maxLength is gone: 20"}},

		"no rule of oasdiff": {[]string{"        kvm_id:\n", "        kvm_id:\n          xml: {name: id}\n"}, []string{"breaking    setPTR: requestBody/kvm_id/xml is new: {\"name\":\"id\"}: oasdiff has no rule for it, so check it yourself"}},
		"recursive":          {[]string{"        error:\n          type: string\n          example: Not let in.\n", "        error:\n          $ref: '#/components/schemas/failure_9'\n"}, []string{"breaking    setPTR: responses/401/error/type is gone", "wording     setPTR: responses/401/error/example is gone"}},
		"one line, bounded":  {[]string{"Which server.", `"a\nb\u202e\u200b\u0007` + strings.Repeat("c", 300) + `"`}, []string{`wording     setPTR: requestBody/kvm_id/description is now "a\nb  \u0007` + strings.Repeat("c", 87) + ` ..., was "Which server.": nothing on the wire`}},
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
				want, summary = exitDone, "nothing that concerns us changed, only wording"+pageLine
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

// whole is a document with another operation of ours and one that is not.
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
    post: {responses: {'200': {content: 3, $ref: 'https://other.example/x'}}}
components:
`), replacements...)
}

// In a whole document the operations of overlay.yaml are compared too, and what
// we do not use may be as broken as it likes.
func TestCheckWhole(t *testing.T) {
	t.Parallel()
	level := `compatible  getPTR: x-server-level is now "operation", was "path": the address is the same, unless another line says that it changed` + "\n"
	sum := "something that concerns us changed\n"
	for name, test := range map[string]struct {
		replace []string
		want    string
	}{
		"same":       {nil, level + sum},
		"field gone": {[]string{"                  name: {type: string}\n", ""}, "breaking    getPTR: responses/200/name is gone: {\"type\":\"string\"}: released versions may miss it, or refuse the response\n" + level + sum},
		"missing":    {[]string{"/get/ptr:", "/v3/get/ptr:"}, "breaking    getPTR: POST /get/ptr is gone: released versions still call it\n" + sum},
		"both": {[]string{"                  name: {type: string}\n", "", "dns.example", "a.example", "Which", "What"},
			`breaking    getPTR: responses/200/name is gone: {"type":"string"}: released versions may miss it, or refuse the response
breaking    setPTR: servers/0/url is now "https://a.example", was "https://dns.example": released versions still send everything, session included, to the old server
` + level + `wording     setPTR: requestBody/kvm_id/description is now "What server.", was "Which server.": nothing on the wire
` + sum},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			content := whole(t, test.replace...)
			for _, content := range []string{content, toJSON(t, content)} {
				spec := put(t, filepath.Join(t.TempDir(), "spec"), content)
				if got := run(t, new(app), module(t), "check", spec); got.stdout != test.want || got.status != exitChanged {
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

// A page and its document are the same, and the position is that in the page.
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
