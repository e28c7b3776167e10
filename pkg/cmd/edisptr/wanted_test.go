package main

import (
	"strings"
	"testing"
)

// FuzzWanted reads any file: it never panics, and what it accepts is canonical.
func FuzzWanted(f *testing.F) {
	f.Fuzz(func(t *testing.T, content string) {
		a := &app{stdin: strings.NewReader(content), allowUnderscore: true}
		records, err := a.readWanted("-")
		if err != nil {
			_ = describe(err)
			return
		}
		for _, ptrs := range records {
			for address, name := range ptrs {
				if !address.IsValid() || address.Is4In6() || strings.ToLower(name) != name || strings.HasSuffix(name, ".") {
					t.Errorf("%q asks for %v = %q, which is not canonical", content, address, name)
				}
			}
		}
	})
}
