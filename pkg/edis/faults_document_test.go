package edis_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// documentFaults are changes of the document that calls depend on.
var documentFaults = []fault{{id: "F91-renamed-or-retyped", run: testDocumentChanges}}

const published, overlaid = "openapi.yaml", "overlay.yaml"

// documentChanges has for each of the four operations names and types that we send
// or read. The pattern matches where the change is; its first group is kept.
var documentChanges = []struct{ name, file, pattern, change string }{
	{"setPTR sends ip", published, `(\n        )ip:\n          type: object\n          additionalProperties:\n            type: string`, "${1}ip:\n          type: array\n          items: {type: string}"},
	{"setPTR sends another kvm_id", published, `(\n        )kvm_id:`, "${1}server_id:"},
	{"setPTR sends kvm_id, an integer", published, `(\n        kvm_id:\n          type: )string`, "${1}integer"},
	{"setPTR sends another signature", published, `(\n        )signature:`, "${1}token:"},
	{"setPTR sends valid_until, an integer", published, `(\n        valid_until:\n          type: )string`, "${1}integer"},
	{"setPTR sends another api_host", published, `(\n        )api_host:`, "${1}host:"},
	{"setPTR reads another status", published, `(inline_response_200_20:\n      type: object\n      properties:\n        )status:`, "${1}state:"},
	{"setPTR reads another error", published, `(inline_response_400_17:\n      type: object\n      properties:\n(?:        .*\n)*?        )error:`, "${1}reason:"},
	{"getPTR and deletePTR send another ip", overlaid, `(\n          )ip:(\n            type: array)`, "${1}addresses:${2}"},
	{"getPTR and deletePTR send ip, an object", overlaid, `(\n          ip:\n            type: )array\n            minItems: 1\n            items: {type: string}`, "${1}object\n            additionalProperties: {type: string}"},
	{"getPTR and deletePTR send another kvm_id", overlaid, `(\n          )kvm_id: (\{type: string, minLength: 1, description)`, "${1}server_id: ${2}"},
	{"getPTR reads other records", overlaid, `(\n          )records:`, "${1}ptrs:"},
	{"getPTR reads another ptr_record", overlaid, `(\n          )ptr_record:`, "${1}hostname:"},
	{"getPTR reads ptr_record, a list", overlaid, `(\n          ptr_record: \{type: )string`, "${1}array, items: {type: string}"},
	{"getPTR reads another error", overlaid, `(get_ptr_failure:\n(?: {8}.*\n)*? {10})error:`, "${1}reason:"},
	{"deletePTR reads another message", overlaid, `(delete_ptr_failure:\n(?: {8}.*\n)*? {10})message:`, "${1}error_text:"},
	{"createAuthSession sends another pw", overlaid, `(\n          )pw:`, "${1}password:"},
	{"createAuthSession sends email, a list", overlaid, `(\n          email: \{type: )string`, "${1}array, items: {type: string}"},
	{"createAuthSession reads data, a list", overlaid, `(\n          data:\n            type: )object\n            additionalProperties:`, "${1}array\n            items:"},
	{"createAuthSession reads another signature", overlaid, `(\n          )signature: (\{type: string, minLength: 1, example)`, "${1}token: ${2}"},
	{"createAuthSession reads another valid_until", overlaid, `(\n          )valid_until: (\{description: End of the session in Unix seconds., example)`, "${1}expires: ${2}"},
	{"createAuthSession reads suspended, a bool", overlaid, `(\n          suspended: \{type: )string`, "${1}boolean"},
	{"createAuthSession reads another error", overlaid, `(login_failure:\n(?: {8}.*\n)*? {10})error:`, "${1}reason:"},
	{"createAuthSession reads another message", overlaid, `(login_failure:\n(?: {8}.*\n)*? {10})message:`, "${1}reason:"},
}

// testDocumentChanges generates from each changed document, and wants the generator,
// the compiler or a contract test to fail. The unchanged document passes.
func testDocumentChanges(t *testing.T) {
	if output, err := generateAndTest(t, published, `^`, ""); err != nil {
		t.Fatalf("without a change: %v\n%s", err, output)
	}
	for _, change := range documentChanges {
		t.Run(change.name, func(t *testing.T) {
			t.Parallel()
			if _, err := generateAndTest(t, change.file, change.pattern, change.change); err == nil {
				t.Error("the contract tests pass")
			}
		})
	}
}

// generateAndTest runs the contract tests with what is generated from a changed file
// in place of package gen.
func generateAndTest(t *testing.T, file, pattern, change string) (output []byte, err error) {
	t.Helper()
	root, dir := filepath.Join("..", ".."), t.TempDir()
	generated := filepath.Join(dir, "gen.go")
	for name, edit := range map[string][2]string{
		published: {`^`, ""},
		overlaid:  {`^`, ""},
		"oapi-codegen.yaml": {
			`output: gen/edis.gen.go((?s:.*))path: overlay.yaml`,
			"output: " + generated + "${1}path: " + filepath.Join(dir, overlaid),
		},
	} {
		content, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if name == file {
			edit = [2]string{pattern, change}
		}
		expression := regexp.MustCompile(edit[0])
		if !expression.Match(content) {
			t.Fatalf("%s does not match %q", name, edit[0])
		}
		if err := os.WriteFile(filepath.Join(dir, name), expression.ReplaceAll(content, []byte(edit[1])), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	replaced, err := filepath.Abs(filepath.Join(root, "gen", "edis.gen.go"))
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{replaced: generated}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, arguments := range [][]string{
		{"run", "github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen", "--config=" + filepath.Join(dir, "oapi-codegen.yaml"), filepath.Join(dir, published)},
		{"test", "-overlay=" + filepath.Join(dir, "overlay.json"), "-run=^TestContract", "."},
	} {
		if output, err := exec.CommandContext(t.Context(), "go", arguments...).CombinedOutput(); err != nil {
			t.Logf("noticed by go %s: %s", arguments[0], firstLines(output))
			return output, err
		}
	}
	return nil, nil
}

func firstLines(output []byte) []byte {
	return regexp.MustCompile(`(?:.*\n){0,4}`).Find(output)
}
