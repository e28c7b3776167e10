//go:build tools

package edisgo

// Importing the generator here lets go.mod pin its version for go:generate.
import _ "github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen"
