package main

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
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

		"trailing comma":              {object(`"a": [1,`, `  2,`, `  ]`), "line 4, column 3: not JSON: invalid character ']' at start of value"},
		"trailing comma 2":            {object(`"a": 1,`), "line 3, column 1: not JSON: invalid character '}' at start of string"},
		"missing comma":               {object(`"a": 1`, `  "b": 2`), "line 3, column 3: not JSON: invalid character '\"' after object value (expecting ',' or '}')"},
		"missing colon":               {object(`"a" 1`), "line 2, column 5: not JSON: invalid character '1' after object name (expecting ':')"},
		"bare key":                    {object(`"é": 1, b: 2`), "line 2, column 9: not JSON: invalid character 'b' at start of string"},
		"quotation mark":              {object(`"a": "b "c" d"`), "line 2, column 10: not JSON: invalid character 'c' after object value (expecting ',' or '}')"},
		"line break":                  {object(`"a": "b`, `c"`), "line 2, column 8: not JSON: invalid character '\\n' in string"},
		"JSON twice":                  {object() + object(), "line 4, column 1: not JSON: more text after the end of the document; is it there twice?"},
		"JSON name twice":             {object(`"a": 1,`, `"a": 2`), "line 3, column 1: not JSON: duplicate object member name"},
		"cut JSON":                    {"{\"a\": [\n", "line 2, column 1: not JSON: unexpected EOF"},
		"not JSON":                    {object(`"a": nil`), "line 2, column 7: not JSON: invalid character 'i' in literal null"},
		"JSON in page":                {"# Page\n```json\n{\"openapi\": \"3.0.0\",}\n```\n", "line 3, column 21: not JSON: invalid character '}' at start of string"},
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
		"points to nothing":           {strings.Replace(whole, reference, "'#/components/schemas/failure_8'", 1), `line 37, column 23: the reference "#/components/schemas/failure_8" points to nothing`},
		"points to itself":            {strings.Replace(whole, "    failure_9:\n", "    failure_9: {$ref: '#/components/schemas/failure_8'}\n    failure_8: {$ref: '#/components/schemas/failure_9'}\n    other:\n", 1), "unresolved ref"},
		"discriminator elsewhere":     {strings.Replace(whole, "    failure_9:\n", "    failure_9:\n      discriminator: {propertyName: error, mapping: {a: 'https://a.example/b'}}\n", 1), "disallowed external reference"},
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
				if lines := strings.SplitAfter(got.stderr, "\n"); len(lines) != 3 || lines[1] != "specsync: exit status 2\n" {
					t.Errorf("standard error is %q, want the reason and the exit status", lines)
				}
				if !maps.Equal(files(t, root), before) {
					t.Error("the tree changed")
				}
			}
		})
	}
}

// Schemas that expand to very many others are refused, wherever they are, before a
// program works on them.
func TestReferenceBomb(t *testing.T) {
	t.Parallel()
	schemas := bomb()
	for name, document := range map[string]string{
		"in an operation": replace(t, published(t), "    failure_9:\n", "    failure_9: {$ref: '#/components/schemas/b0'}\n"+schemas+"    other:\n"),
		"unused":          replace(t, published(t), "    failure_9:\n", schemas+"    failure_9:\n"),
		"in parameters":   replace(t, published(t), "  schemas:\n", "  parameters: {example: {name: a, in: query, schema: {$ref: '#/components/schemas/b0'}}}\n  schemas:\n"+schemas),
		"in JSON":         toJSON(t, replace(t, published(t), "  schemas:\n", "  schemas:\n"+schemas)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := module(t)
			before := files(t, root)
			spec := put(t, filepath.Join(t.TempDir(), "spec"), document)
			for _, command := range []string{"check", "update", "document"} {
				started := time.Now()
				got := run(t, tool("", nothing), root, command, spec)
				if took := time.Since(started); got.status != exitUnusable || !strings.Contains(got.stderr, ": line ") || !strings.Contains(got.stderr, "too large or too deep once its references are resolved") || took > 10*time.Second {
					t.Errorf("%s = %+v after %v, want it refused within 10s", command, got, took)
				}
			}
			if !maps.Equal(files(t, root), before) {
				t.Error("the tree changed")
			}
		})
	}
}

// bomb returns schemas that refer to each other, so that the first stands for two to the
// thirtieth of the last.
func bomb() string {
	var text strings.Builder
	for i := range 30 {
		fmt.Fprintf(&text, "    b%d: {allOf: [{$ref: '#/components/schemas/b%d'}, {$ref: '#/components/schemas/b%[2]d'}]}\n", i, i+1)
	}
	text.WriteString("    b30: {type: object}\n")
	return text.String()
}

// Neither nesting nor a chain of references without end keeps the program busy.
func TestDeepDocument(t *testing.T) {
	t.Parallel()
	var chain strings.Builder
	for i := range 20000 {
		fmt.Fprintf(&chain, "    c%d: {$ref: '#/components/schemas/c%d'}\n", i, i+1)
	}
	chain.WriteString("    c20000: {type: object}\n")
	for name, document := range map[string]string{
		"lists":      published(t) + "deep: " + strings.Repeat("[", 100000) + strings.Repeat("]", 100000) + "\n",
		"JSON":       strings.Repeat(`{"openapi":`, 100000) + "1" + strings.Repeat("}", 100000),
		"references": replace(t, published(t), "  schemas:\n", "  schemas:\n"+chain.String()),
		"long names": replace(t, published(t), "  schemas:\n", "  schemas:\n    s: {properties: {"+strings.Repeat("n", 1<<20)+": {allOf: ["+strings.Repeat("{}, ", 100000)+"]}}}\n"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			started := time.Now()
			got := run(t, new(app), module(t), "check", put(t, filepath.Join(t.TempDir(), "spec"), document))
			if took := time.Since(started); got.status != exitUnusable || !strings.Contains(got.stderr, ": line ") || took > 10*time.Second {
				t.Errorf("check = %d, %.300s after %v, want it refused within 10s", got.status, got.stderr, took)
			}
		})
	}
}

// oapi-codegen writes this extension into a comment of the generated code, as it
// is. Neither command lets the page get that far.
func TestNothingOfThePageRuns(t *testing.T) {
	t.Parallel()
	marker := filepath.Join(t.TempDir(), "marker")
	page := "# Set PTR\n\n````yaml post /set/ptr\n" + published(t, "        signature:\n", "        signature:\n"+
		"          x-go-type: '*/ func init() { _ = os.WriteFile(\""+marker+"\", nil, 0o600) } /*'\n") + "````\n"
	spec := put(t, filepath.Join(t.TempDir(), "page.md"), page)
	for _, command := range []string{"check", "update"} {
		a := &app{execute: execute}
		got := run(t, a, module(t), command, spec)
		if got.status != exitUnusable || !strings.Contains(got.stderr, `line 49, column 11: the name "x-go-type" is refused`) || strings.Contains(got.stderr, "running") {
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
		if got := run(t, new(app), module(t), args...); got.status != exitUnusable || !strings.HasSuffix(got.stderr, "specsync: exit status 2\n") {
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
	var looped atomic.Int64
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/page.md":
			_, _ = w.Write([]byte(page))
		case "/moved":
			http.Redirect(w, r, "/page.md", http.StatusFound)
		case "/down":
			http.Redirect(w, r, "http://plain.example/", http.StatusFound)
		case "/loop":
			looped.Add(1)
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/large":
			_, _ = w.Write(make([]byte, maxSize+1))
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	for url, want := range map[string]string{
		server.URL + "/page.md": "nothing changed on the wire",
		server.URL + "/moved":   "nothing changed on the wire",
		server.URL + "/down":    "request to http://plain.example/ refused: want https",
		server.URL + "/loop":    "at most 5 redirects",
		server.URL + "/large":   "larger than 4 MB",
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
	if n := looped.Load(); n != 6 {
		t.Errorf("an endless redirect is requested %d times, want 6", n)
	}
}
