//go:build generator

package edis_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

const published, overlay = "openapi.yaml", "overlay.yaml"

// documentChanges renames or retypes fields that the four operations send or read.
var documentChanges = []struct{ name, file, pattern, replacement string }{
	{"setPTR: ip becomes an array", published, `(\n        )ip:\n          type: object\n          additionalProperties:\n            type: string`, "${1}ip:\n          type: array\n          items: {type: string}"},
	{"setPTR: kvm_id is renamed", published, `(\n        )kvm_id:`, "${1}server_id:"},
	{"setPTR: kvm_id becomes an integer", published, `(\n        kvm_id:\n          type: )string`, "${1}integer"},
	{"setPTR: signature is renamed", published, `(\n        )signature:`, "${1}token:"},
	{"setPTR: valid_until becomes an integer", published, `(\n        valid_until:\n          type: )string`, "${1}integer"},
	{"setPTR: api_host is renamed", published, `(\n        )api_host:`, "${1}host:"},
	{"setPTR: status is renamed", published, `(inline_response_200_20:\n      type: object\n      properties:\n        )status:`, "${1}state:"},
	{"setPTR: error is renamed", published, `(inline_response_400_17:\n      type: object\n      properties:\n(?:        .*\n)*?        )error:`, "${1}reason:"},
	{"getPTR and deletePTR: ip is renamed", overlay, `(\n          )ip:(\n            type: array)`, "${1}addresses:${2}"},
	{"getPTR and deletePTR: ip becomes an object", overlay, `(\n          ip:\n            type: )array\n            minItems: 1\n            items: {type: string}`, "${1}object\n            additionalProperties: {type: string}"},
	{"getPTR and deletePTR: kvm_id is renamed", overlay, `(\n          )kvm_id: (\{type: string, minLength: 1, description)`, "${1}server_id: ${2}"},
	{"getPTR: records is renamed", overlay, `(\n          )records:`, "${1}ptrs:"},
	{"getPTR: data is renamed", overlay, `(\n          )data:(\n            type: object\n            required: \[ptr\])`, "${1}answer:${2}"},
	{"getPTR: ptr is renamed", overlay, `(\n            required: \[)ptr(\]\n(?: {12}.*\n)*? {14})ptr:`, "${1}names${2}names:"},
	{"getPTR: ptr_record is renamed", overlay, `(\n          )ptr_record:`, "${1}hostname:"},
	{"getPTR: ptr_record becomes an array", overlay, `(\n          ptr_record: \{type: )string`, "${1}array, items: {type: string}"},
	{"getPTR: error is renamed", overlay, `(get_ptr_failure:\n(?: {8}.*\n)*? {10})error:`, "${1}reason:"},
	{"deletePTR: message is renamed", overlay, `(delete_ptr_failure:\n(?: {8}.*\n)*? {10})message:`, "${1}error_text:"},
	{"createAuthSession: pw is renamed", overlay, `(\n          )pw:`, "${1}password:"},
	{"createAuthSession: email becomes an array", overlay, `(\n          email: \{type: )string`, "${1}array, items: {type: string}"},
	{"createAuthSession: data is renamed", overlay, `(\n          )data:(\n            x-go-type: map)`, "${1}sessions:${2}"},
	{"createAuthSession: signature is renamed", overlay, `(\n          )signature: (\{type: string, minLength: 1, example)`, "${1}token: ${2}"},
	{"createAuthSession: valid_until is renamed", overlay, `(\n          )valid_until: (\{description: End of the session in Unix seconds., example)`, "${1}expires: ${2}"},
	{"createAuthSession: suspended is renamed", overlay, `(\n          )suspended: (\{example)`, "${1}blocked: ${2}"},
	{"createAuthSession: error is renamed", overlay, `(login_failure:\n(?: {8}.*\n)*? {10})error:`, "${1}reason:"},
	{"createAuthSession: message is renamed", overlay, `(login_failure:\n(?: {8}.*\n)*? {10})message:`, "${1}reason:"},
}

// Code generated from each changed document makes the generator, the compiler or a
// contract test fail. With the unchanged document all of them pass.
func TestDocumentChanges(t *testing.T) {
	t.Parallel()
	if output, err := generateAndTest(t, published, `^`, ""); err != nil {
		t.Fatalf("unchanged document: %v\n%s", err, output)
	}
	for _, change := range documentChanges {
		t.Run(change.name, func(t *testing.T) {
			t.Parallel()
			if _, err := generateAndTest(t, change.file, change.pattern, change.replacement); err == nil {
				t.Error("the contract tests pass, want a failure")
			}
		})
	}
}

// generateAndTest generates package gen from the documents, with pattern replaced in
// one of them, and runs the contract tests against it.
func generateAndTest(t *testing.T, file, pattern, replacement string) (output []byte, err error) {
	t.Helper()
	root, dir := filepath.Join("..", ".."), t.TempDir()
	generated := filepath.Join(dir, "gen.go")
	for name, edit := range map[string][2]string{
		published: {`^`, ""},
		overlay:   {`^`, ""},
		"oapi-codegen.yaml": {
			`output: gen/edis.gen.go((?s:.*))path: overlay.yaml`,
			"output: " + generated + "${1}path: " + filepath.Join(dir, overlay),
		},
	} {
		content, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if name == file {
			edit = [2]string{pattern, replacement}
		}
		expression := regexp.MustCompile(edit[0])
		if !expression.Match(content) {
			t.Fatalf("%s does not match %q", name, edit[0])
		}
		if err := os.WriteFile(filepath.Join(dir, name), expression.ReplaceAll(content, []byte(edit[1])), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	original, err := filepath.Abs(filepath.Join(root, "gen", "edis.gen.go"))
	if err != nil {
		t.Fatal(err)
	}
	buildOverlay, err := json.Marshal(map[string]any{"Replace": map[string]string{original: generated}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), buildOverlay, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, arguments := range [][]string{
		{"run", "github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen", "--config=" + filepath.Join(dir, "oapi-codegen.yaml"), filepath.Join(dir, published)},
		{"test", "-overlay=" + filepath.Join(dir, "overlay.json"), "-run=^TestContract", "."},
	} {
		if output, err := exec.CommandContext(t.Context(), "go", arguments...).CombinedOutput(); err != nil {
			t.Logf("go %s failed: %s", arguments[0], firstLines(output))
			return output, err
		}
	}
	return nil, nil
}

func firstLines(output []byte) []byte {
	return regexp.MustCompile(`(?:.*\n){0,4}`).Find(output)
}
