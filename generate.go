// Package edisgo is the root of the module. It holds the directive that generates package
// gen from the published OpenAPI document, and nothing to import.
//
// The library is in [github.com/edisptr/edis-go/pkg/edis].
package edisgo

//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen --config=oapi-codegen.yaml openapi.yaml
