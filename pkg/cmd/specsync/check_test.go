package main

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// result is what a run of specsync left behind.
type result struct {
	status         int
	stdout, stderr string
}

// module is a folder with what specsync reads and writes of this module, after
// the small document in testdata.
func module(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	put(t, filepath.Join(root, "openapi.yaml"), testdata(t, "openapi.yaml"))
	put(t, filepath.Join(root, "overlay.yaml"), testdata(t, "overlay.yaml"))
	put(t, filepath.Join(root, generated), []byte("package gen // of the old document\n"))
	return root
}

func put(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func testdata(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func run(t *testing.T, with tools, args ...string) result {
	t.Helper()
	if with.client == nil {
		with.client = http.DefaultClient
	}
	var stdout, stderr bytes.Buffer
	status := exec(t.Context(), args, &stdout, &stderr, with)
	return result{status, stdout.String(), stderr.String()}
}

// files returns all files below a folder, and their content.
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

// Each kind of change that the provider has made, with the exit status and the
// line that decides.
func TestCheck(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		file   string
		status int
		line   string
	}{
		{"openapi.yaml", 0, "nothing that concerns us changed\n"},
		{"page.md", 0, "nothing that concerns us changed\n"},
		{"whole.json", 0, "nothing that concerns us changed\n"},
		{"renumbered.yaml", 0, "nothing that concerns us changed\n"},
		{"example.yaml", 0, `nothing that concerns us changed; wording only: setPTR: request, field valid_until: example is now "2025-01-12T15:30:00Z", was "1737476000"`},
		{"server-level.yaml", 3, "compatible  setPTR: operation: server level is now operation, was path: calls go to the same server"},
		{"server-document.yaml", 3, `breaking    setPTR: operation: server is now https://{host} (host: api.example), was https://dns.example: released versions go on to send, session included, to the old server`},
		{"host.yaml", 3, "breaking    setPTR: operation: server is now https://dns-2.example, was https://dns.example: released versions go on to send"},
		{"error-schema.yaml", 3, "compatible  setPTR: answer 500, application/json is new: "},
		{"status-gone.yaml", 3, "breaking    setPTR: answer 401 is gone: such an answer would be one that breaks the contract"},
		{"renamed.yaml", 3, "breaking    setPTR: request, field kvm_id is gone: renamed to server_id? released versions go on to send it"},
		{"renamed.yaml", 3, "compatible  setPTR: request, field server_id is new: the library does not send it"},
		{"type.yaml", 3, "breaking    setPTR: answer 401, field error: type is now integer, was string: released versions refuse such an answer"},
		{"ip-string.yaml", 3, "breaking    setPTR: request, field ip: type is now string, was object: released versions send object"},
		{"operation-gone.yaml", 3, "breaking    setPTR: POST /set/ptr is gone: released versions go on to call it"},
		{"moved.yaml", 3, "breaking    setPTR: operation: call is now POST /v3/set/ptr, was POST /set/ptr: released versions go on to call the old address"},
		{"operation-id.yaml", 3, "compatible  setPTR: operation: operationId is now setPtr, was setPTR: "},
		{"encoding.yaml", 3, "breaking    setPTR: request, field ip: encoding is now {contentType: text/plain}, was {contentType: application/json}: "},
		{"required.yaml", 3, "breaking    setPTR: request, field valid_until: required is now true, was not given: the library may leave it out"},
		{"required.yaml", 3, "compatible  setPTR: request, field signature: required is now true, was not given: the library always sends it"},
		{"security.yaml", 3, "breaking    setPTR: operation: security is now [{token: []}], was not given: calls must prove"},
		{"status-enum.yaml", 3, "compatible  setPTR: answer 200, field status: enum is now [success], was not given: such answers pass as before"},
		{"status-enum.yaml", 3, "overlay.yaml, line 9: $.components.schemas.success_7.properties.status is redundant: the document says all of it"},
		{"four.json", 3, "compatible  getPTR: POST /get/ptr is new in the document: so far overlay.yaml alone describes it"},
		{"four.json", 3, "overlay.yaml, line 12: $.paths has become redundant, unless it corrects the document"},
	} {
		t.Run(test.file, func(t *testing.T) {
			t.Parallel()
			root := module(t)
			before := files(t, root)
			got := run(t, tools{}, "--root", root, "check", filepath.Join("testdata", test.file))
			if got.status != test.status || !strings.Contains(got.stdout, test.line) {
				t.Errorf("check %s = %d, %s%s\nwant %d, %s", test.file, got.status, got.stdout, got.stderr, test.status, test.line)
			}
			if lines := strings.Count(got.stdout, "\n"); test.status == exitSame && lines != 1 {
				t.Errorf("check %s prints %d lines, want 1", test.file, lines)
			}
			wantFiles(t, root, before)
		})
	}
}

func wantFiles(t *testing.T, root string, want map[string]string) {
	t.Helper()
	got := files(t, root)
	for name, content := range got {
		if want[name] != content {
			t.Errorf("%s is changed or new:\n%s", name, content)
		}
	}
	if len(got) != len(want) {
		t.Errorf("there are %d files, want %d", len(got), len(want))
	}
}

// What is of no use is named with its place, in words.
func TestUnusable(t *testing.T) {
	t.Parallel()
	for file, line := range map[string]string{
		"trailing-comma.json": "line 6, column 3: a comma with nothing after it",
		"missing-comma.json":  "line 5, column 5: a comma is missing",
		"bare-key.json":       "line 4, column 5: object key without quotes",
		"quote.json":          "a quotation mark within a text is not escaped",
		"doubled.json":        "column 1: more text after the end of the document; is it there twice?",
		"doubled.yaml":        "a second document begins here",
		"doubled-names.yaml":  `column 1: the name "openapi" is there twice in its object; is the document doubled?`,
		"cut.json":            "the document ends too early",
		"cut-page.md":         "line 3, column 1: the fenced block that begins here does not end",
		"broken.yaml":         "line 3, column 21: not YAML: ",
		"alias.yaml":          "line 10, column 14: an alias (*all), which is not supported",
		"page.html":           "line 1, column 1: this is an HTML page",
		"empty.yaml":          "line 1, column 1: the file is empty",
		"not-openapi.json":    `this is not an OpenAPI document: it has no field "openapi"`,
		"no-schema.yaml":      `line 38, column 23: the reference "#/components/schemas/failure_9" points to nothing`,
		"invalid.yaml":        "not a valid OpenAPI document: ",
		"absent.yaml":         "no such file",
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			spec := filepath.Join("testdata", file)
			for _, command := range []string{"check", "update"} {
				root := module(t)
				before := files(t, root)
				got := run(t, tools{}, "--root", root, command, spec)
				if got.status != exitUnusable || got.stdout != "" || !strings.Contains(got.stderr, line) || !strings.Contains(got.stderr, spec) {
					t.Errorf("%s %s = %+v, want %d, %s", command, file, got, exitUnusable, line)
				}
				if want := "specsync " + command + ": exit status 2\n"; !strings.HasSuffix(got.stderr, want) {
					t.Errorf("standard error is %q, want it to end with %q", got.stderr, want)
				}
				wantFiles(t, root, before)
			}
		})
	}
}

// What JSON has and YAML has not comes through, on the lines where it was.
func TestJSON(t *testing.T) {
	t.Parallel()
	d, err := load([]byte("{\"openapi\":\t\"3.0.0\",\n\t\"paths\": {},\n\"x\": \"\\ud83d\\ude00 \\\\ud83d\\/ \\u00e9\"}"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := get(d.root, "x"), "\U0001f600 \\ud83d/ é"; got.Value != want || got.Line != 3 {
		t.Errorf("x = %q at line %d, want %q at line 3", got.Value, got.Line, want)
	}
}

// A whole document that we have is no reason to call what a page leaves out gone.
func TestPageOfOne(t *testing.T) {
	t.Parallel()
	root := module(t)
	put(t, filepath.Join(root, "openapi.yaml"), testdata(t, "four.json"))
	got := run(t, tools{}, "--root", root, "check", "testdata/page.md")
	want := result{stdout: "nothing that concerns us changed; this is the page of one operation, which says nothing of getPTR\n"}
	if got != want {
		t.Errorf("check = %+v, want %+v", got, want)
	}
	if got := run(t, tools{}, "--root", root, "check", "testdata/whole.json"); !strings.Contains(got.stdout, "breaking    getPTR: POST /get/ptr is gone") {
		t.Errorf("check = %+v, want getPTR to be gone", got)
	}
	got = run(t, tools{}, "--root", root, "update", "testdata/page.md")
	if got.status != exitUnusable || !strings.Contains(got.stderr, "openapi.yaml also holds getPTR, which would be lost") {
		t.Errorf("update = %+v, want it refused", got)
	}
}

func TestFetch(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/page.md":
			http.ServeFile(w, r, "testdata/page.md")
		case "/down":
			http.Redirect(w, r, "http://plain.example/", http.StatusFound)
		case "/large":
			_, _ = w.Write(make([]byte, maxSize+1))
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	for path, want := range map[string]struct {
		status int
		line   string
	}{
		server.URL + "/page.md": {exitSame, "nothing that concerns us changed"},
		server.URL + "/down":    {exitUnusable, "redirect to http://plain.example/ refused"},
		server.URL + "/large":   {exitUnusable, "larger than 16 MB"},
		server.URL + "/absent":  {exitUnusable, "answered 404 Not Found, want 200 OK"},
		"http://plain.example/": {exitUnusable, "want an https address"},
		"":                      {exitUnusable, "SPEC is empty"},
	} {
		got := run(t, tools{client: server.Client()}, "--root", module(t), "check", path)
		if got.status != want.status || !strings.Contains(got.stdout+got.stderr, want.line) {
			t.Errorf("check %q = %+v, want %+v", path, got, want)
		}
	}
}

// oasdiff can raise a grade and never lower one, and need not be there.
func TestSecondOpinion(t *testing.T) {
	t.Parallel()
	says := func(output string, err error) tools {
		return tools{run: func(context.Context, string, ...string) ([]byte, error) { return []byte(output), err }}
	}
	for name, test := range map[string]struct {
		tools
		line string
	}{
		"worse":  {says(`[{"text":"it is worse","level":3,"operationId":"setPTR"}]`, nil), "breaking    setPTR: it is worse: so says oasdiff"},
		"better": {says(`[]`, nil), "compatible  setPTR: answer 500"},
		"absent": {says("", errors.New("no network")), "no second opinion: pinned: no network"},
		"odd":    {says("Error", nil), "what it printed is not JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := run(t, test.tools, "--root", module(t), "--oasdiff", "pinned", "check", "testdata/error-schema.yaml")
			if got.status != exitChanged || !strings.Contains(got.stdout+got.stderr, test.line) {
				t.Errorf("check = %+v, want %d, %s", got, exitChanged, test.line)
			}
		})
	}
}
