package main

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Both commands say in words what is unusable, and where.
func TestUnusable(t *testing.T) {
	t.Parallel()
	object := func(lines ...string) string { return "{\n" + strings.Join(lines, "\n") + "\n}\n" }
	whole := published(t)
	reference := "'#/components/schemas/failure_9'"
	for name, test := range map[string]struct{ content, want string }{
		"empty":          {" \n", "line 1, column 1: the file is empty"},
		"comment":        {"# only\n", "line 1, column 1: the file is empty"},
		"page of HTML":   {"<!DOCTYPE html>\n<p>openapi: 3.0.0\n", "line 2, column 11: not YAML: "},
		"no document":    {"# Page\n", "line 1, column 1: the file is empty"},
		"other document": {"swagger: '2.0'\npaths: {}\n", "neither an OpenAPI document"},
		"version 2":      {"openapi: 2.0.0\npaths: {}\n", "neither an OpenAPI document"},
		"no paths":       {"openapi: 3.0.0\n", "neither an OpenAPI document"},
		"cut page":       {"# Page\n\n```yaml\n" + whole, "line 3, column 1: the fenced block that begins here does not end"},
		"shorter fence":  {"````yaml\n" + whole + "```\n", "line 1, column 1: the fenced block that begins here does not end"},
		"two documents":  {"```\n" + whole + "```\n~~~\n" + whole + "~~~\n", "line 83, column 1: a second document in a fenced block; the first begins at line 1"},

		"trailing comma":              {object(`"a": [1,`, `  2,`, `  ]`), "line 4, column 3: a comma with nothing after it"},
		"trailing comma 2":            {object(`"a": 1,`), "line 3, column 1: a comma with nothing after it"},
		"missing comma":               {object(`"a": 1`, `  "b": 2`), "line 3, column 3: a comma is missing"},
		"missing colon":               {object(`"a" 1`), "line 2, column 5: a colon is missing after an object key"},
		"bare key":                    {object(`"é": 1, b: 2`), "line 2, column 9: an object key without quotation marks"},
		"quotation mark":              {object(`"a": "b "c" d"`), "line 2, column 10: a comma is missing, or a quotation mark inside a text is not escaped"},
		"line break":                  {object(`"a": "b`, `c"`), "line 2, column 8: a line break or another control character inside a text"},
		"JSON twice":                  {object() + object(), "line 4, column 1: more text after the end of the document; is it there twice?"},
		"JSON name twice":             {object(`"a": 1,`, `"a": 2`), "line 3, column 1: this name appears twice in its object"},
		"cut JSON":                    {"{\"a\": [\n", "line 2, column 1: the document ends too early"},
		"not JSON":                    {object(`"a": nil`), "line 2, column 7: not JSON"},
		"JSON in page":                {"# Page\n```json\n{\"openapi\": \"3.0.0\",}\n```\n", "line 3, column 21: a comma with nothing after it"},
		"YAML in page":                {"# Page\n```\n" + strings.Replace(whole, "A small API", "A: small API", 1) + "```\n", "line 5, column 11: not YAML: mapping values are not allowed"},
		"YAML twice":                  {whole + "---\n" + whole, "line 81, column 1: a second document begins here"},
		"YAML name twice":             {whole + whole, `line 81, column 1: the name "openapi" appears twice in its object, or is not plain text; is the document doubled?`},
		"alias":                       {"a: &b [1]\n", "line 1, column 4: an alias, anchor or tag (b) is not supported"},
		"alias of itself":             {"a: &b\n  c: *b\n", "line 1, column 4: an alias, anchor or tag (b) is not supported"},
		"merge key":                   {"<<: {a: 1}\n", `line 1, column 1: the name "<<" appears twice in its object, or is not plain text`},
		"tag hides a name":            {"!!binary eC1nby10eXBl: a\n", "line 1, column 1: an alias, anchor or tag"},
		"list as a name":              {"? [a]\n: b\n", `line 1, column 3: the name "" appears twice in its object, or is not plain text`},
		"extension":                   {whole + "x-go-type: a\n", `line 81, column 1: the name "x-go-type" is refused, even where it names a field: an extension can put code`},
		"extension, JSON":             {object(`"a": [{"\u0078-go-type": 1}]`), `line 2, column 8: the name "x-go-type" is refused`},
		"other file":                  {strings.Replace(whole, reference, "other.yaml#/a", 1), `line 37, column 17: the reference "other.yaml#/a" leads out of the document`},
		"other host":                  {strings.Replace(whole, reference, "https://a.example/b", 1), `line 37, column 17: the reference "https://a.example/b" leads out of the document`},
		"unused, but may be taken in": {whole + "    unused: {$ref: 'https://a.example/b'}\n", `line 81, column 14: the reference "https://a.example/b" leads out`},
		"path elsewhere":              {"openapi: 3.0.0\npaths:\n  /set/ptr:\n    $ref: https://a.example/b\n", "line 4, column 5: the reference"},
		"points to nothing":           {strings.Replace(whole, reference, "'#/components/schemas/failure_8'", 1), `"failure_8" not found`},
		"points to itself":            {strings.Replace(whole, "    failure_9:\n", "    failure_9: {$ref: '#/components/schemas/failure_8'}\n    failure_8: {$ref: '#/components/schemas/failure_9'}\n    other:\n", 1), "unresolved ref"},
		"invalid":                     {strings.Replace(whole, "type: object", "type: text", 1), "unsupported 'type' value"},
		"control character":           {whole + "\"x-\\u202ea\\nb\": 1\n", `line 81, column 1: the name "x-\u202ea\nb" is refused`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := put(t, filepath.Join(t.TempDir(), "spec"), test.content)
			for _, command := range []string{"check", "update"} {
				root := module(t)
				before := files(t, root)
				got := run(t, new(app), root, command, spec)
				if got.status != exitUnusable || got.stdout != "" || !strings.HasPrefix(got.stderr, "specsync: "+spec+": ") || !strings.Contains(got.stderr, test.want) {
					t.Errorf("%s = %+v, want %d, %s", command, got, exitUnusable, test.want)
				}
				if lines := strings.SplitAfter(got.stderr, "\n"); len(lines) != 3 || lines[1] != "specsync "+command+": exit status 2\n" {
					t.Errorf("standard error is %q, want the reason and the exit status", lines)
				}
				if !maps.Equal(files(t, root), before) {
					t.Error("the tree changed")
				}
			}
		})
	}
}

// Schemas that expand to very many others do not keep the program busy.
func TestReferenceBomb(t *testing.T) {
	t.Parallel()
	spec := put(t, filepath.Join(t.TempDir(), "spec"), replace(t, published(t), "    failure_9:\n", bomb()+"    other:\n"))
	started := time.Now()
	if got := run(t, new(app), module(t), "check", spec); got.status != exitChanged || time.Since(started) > 10*time.Second {
		t.Errorf("check = %+v after %v, want %d within 10s", got, time.Since(started), exitChanged)
	}
}

// bomb returns schemas that refer to each other, so that the first stands for
// ten to the twentieth of the last.
func bomb() string {
	var text strings.Builder
	text.WriteString("    failure_9: {$ref: '#/components/schemas/b0'}\n    b20: {type: object}\n")
	for i := range 20 {
		next := fmt.Sprintf("{$ref: '#/components/schemas/b%d'}, ", i+1)
		fmt.Fprintf(&text, "    b%d: {allOf: [%s]}\n", i, strings.Repeat(next, 10))
	}
	return text.String()
}

// oapi-codegen writes this extension into a comment of the generated code, as it
// is. Neither command lets the page get that far.
func TestNothingOfThePageRuns(t *testing.T) {
	t.Parallel()
	marker := filepath.Join(t.TempDir(), "marker")
	page := "# Set PTR\n\n````yaml post /set/ptr\n" + published(t, inForm, inForm+
		"          x-go-type: '*/ func init() { _ = os.WriteFile(\""+marker+"\", nil, 0o600) } /*'\n") + "````\n"
	spec := put(t, filepath.Join(t.TempDir(), "page.md"), page)
	for _, command := range []string{"check", "update"} {
		a := &app{execute: execute}
		got := run(t, a, module(t), command, spec)
		if got.status != exitUnusable || !strings.Contains(got.stderr, `line 50, column 11: the name "x-go-type" is refused`) || strings.Contains(got.stderr, "running") {
			t.Errorf("%s = %+v, want the extension refused", command, got)
		}
	}
	if _, err := os.Stat(marker); err == nil {
		t.Error("code of the page ran")
	}
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"check"}, {"check", "a", "b"}, {"look", "a"}, {"--help"}, {"check", "--deep", "a"}, {"check", "absent"}, {"check", ""}} {
		if got := run(t, new(app), module(t), args...); got.status != exitUnusable || !strings.HasSuffix(got.stderr, ": exit status 2\n") {
			t.Errorf("specsync %q = %+v, want exit status %d", args, got, exitUnusable)
		}
	}
	if got := run(t, new(app), t.TempDir(), "check", "testdata/openapi.yaml"); got.status != exitUnusable || !strings.Contains(got.stderr, "openapi.yaml: no such file") {
		t.Errorf("check outside of a module = %+v, want exit status %d", got, exitUnusable)
	}
}

func TestFetch(t *testing.T) {
	t.Parallel()
	page := "# Page\n\n```\n" + published(t) + "```\n"
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/page.md":
			_, _ = w.Write([]byte(page))
		case "/moved":
			http.Redirect(w, r, "/page.md", http.StatusFound)
		case "/down":
			http.Redirect(w, r, "http://plain.example/", http.StatusFound)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/large":
			_, _ = w.Write(make([]byte, maxSize+1))
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	for url, want := range map[string]string{
		server.URL + "/page.md": "nothing that concerns us changed",
		server.URL + "/moved":   "nothing that concerns us changed",
		server.URL + "/down":    "request to http://plain.example/ refused: want https",
		server.URL + "/loop":    "at most 5 redirects",
		server.URL + "/large":   "larger than 16 MB",
		server.URL + "/absent":  "the response is 404 Not Found, want 200 OK",
		"http://plain.example/": "want https",
		"ftp://plain.example/":  "want https",
		"https://%zz":           "invalid URL escape",
	} {
		status := exitUnusable
		if strings.HasPrefix(want, "nothing") {
			status = exitDone
		}
		if got := run(t, &app{client: server.Client()}, module(t), "check", url); got.status != status || !strings.Contains(got.stdout+got.stderr, want) {
			t.Errorf("check %s = %+v, want %d, %s", url, got, status, want)
		}
	}
}
