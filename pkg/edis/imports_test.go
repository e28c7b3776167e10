package edis_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// BenchmarkImport tells what importing this package adds: modules to a build,
// and size to a stripped program that makes a call with net/http by hand.
func BenchmarkImport(b *testing.B) {
	b.Run("by=ours", func(b *testing.B) {
		var modules int
		var added int64
		for b.Loop() {
			modules = len(importedModules(b))
			added = programSize(b, "ours") - programSize(b, "bare")
		}
		b.ReportMetric(float64(modules), "modules")
		b.ReportMetric(float64(added), "added-B")
	})
}

// importedModules are the modules, other than this one and the standard
// library, that are compiled into a program that imports this package.
func importedModules(tb testing.TB) []string {
	tb.Helper()
	output, err := exec.CommandContext(tb.Context(), "go", "list", "-deps",
		"-f", "{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}", ".").Output()
	if err != nil {
		tb.Fatal(err)
	}
	return slices.Compact(slices.Sorted(slices.Values(strings.Fields(string(output)))))
}

// Importing this package compiles these modules into a program and no other: not
// cobra, not miekg/dns, nothing that only the tools need.
func TestImportedModules(t *testing.T) {
	t.Parallel()
	want := []string{
		"github.com/apapsch/go-jsonmerge/v2", // by runtime
		"github.com/cenkalti/backoff/v5",     // pauses between attempts
		"github.com/getkin/kin-openapi",      // validates answers
		"github.com/go-json-experiment/json", // strict JSON
		"github.com/go-openapi/jsonpointer",  // by kin-openapi, and references of the document
		"github.com/go-openapi/swag/jsonname",
		"github.com/google/uuid",                   // by runtime
		"github.com/oapi-codegen/runtime",          // by the generated client
		"github.com/santhosh-tekuri/jsonschema/v6", // by kin-openapi
		"go.yaml.in/yaml/v4",                       // by kin-openapi
		"golang.org/x/net",                         // IDNA
		"golang.org/x/text",                        // by IDNA and jsonschema
	}
	if got := importedModules(t); !slices.Equal(got, want) {
		t.Errorf("importing brings the modules\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// programSize builds the program in this folder of testdata/program.
func programSize(tb testing.TB, name string) int64 {
	tb.Helper()
	program := filepath.Join(tb.TempDir(), name)
	build := exec.CommandContext(tb.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, "./testdata/program/"+name)
	if output, err := build.CombinedOutput(); err != nil {
		tb.Fatalf("%v: %s", err, output)
	}
	built, err := os.Stat(program)
	if err != nil {
		tb.Fatal(err)
	}
	return built.Size()
}
