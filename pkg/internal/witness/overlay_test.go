package witness_test

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/pb33f/libopenapi"
	"go.yaml.in/yaml/v4"

	"github.com/edisptr/edis-go/gen"
)

// overlay.yaml applied by libopenapi gives the embedded document, to which the generator
// applied it with another library.
func TestOverlay(t *testing.T) {
	t.Parallel()
	result, err := libopenapi.ApplyOverlayFromBytesToSpecBytes(read(t, "openapi.yaml"), read(t, "overlay.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, warning := range result.Warnings {
		t.Error(warning)
	}
	embedded, err := gen.GetSpecJSON()
	if err != nil {
		t.Fatal(err)
	}
	got, want := documentOf(t, result.Bytes), documentOf(t, embedded)
	for name := range want {
		if !reflect.DeepEqual(got[name], want[name]) {
			t.Errorf("%s, with overlay.yaml applied by libopenapi, is\n%v\nwant\n%v", name, got[name], want[name])
		}
	}
	if len(got) != len(want) {
		t.Errorf("the document has %d members, want %d", len(got), len(want))
	}
}

// documentOf returns a document without what the generator changes: it copies the servers
// of a path to its operations, and leaves out that no security is required.
func documentOf(t *testing.T, content []byte) map[string]any {
	t.Helper()
	var document struct {
		Paths    map[string]map[string]any `yaml:"paths"`
		Security []any                     `yaml:"security"`
		Rest     map[string]any            `yaml:",inline"`
	}
	if err := yaml.Unmarshal(content, &document); err != nil {
		t.Fatal(err)
	}
	if len(document.Paths) == 0 || len(document.Security) > 0 {
		t.Fatalf("the document has %d paths and requires %v, want paths without security", len(document.Paths), document.Security)
	}
	for path, item := range document.Paths {
		if post, ok := item["post"].(map[string]any); ok {
			delete(post, "servers")
		}
		document.Rest[path] = item
	}
	return document.Rest
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", "..", name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}
