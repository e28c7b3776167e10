package main

import (
	"strings"
	"testing"
)

// FuzzReadRecords checks that reading a file never panics and that the
// records it returns are canonical.
func FuzzReadRecords(f *testing.F) {
	f.Fuzz(func(t *testing.T, content string) {
		a := &app{stdin: strings.NewReader(content), allowUnderscore: true}
		records, err := a.readRecords("-")
		if err != nil {
			_ = a.errorText(err)
			return
		}
		for _, ptrs := range records {
			for address, name := range ptrs {
				if !address.IsValid() || address.Is4In6() || strings.ToLower(name) != name || strings.HasSuffix(name, ".") {
					t.Errorf("readRecords(%q) = %v: %q, want a canonical record", content, address, name)
				}
			}
		}
	})
}
