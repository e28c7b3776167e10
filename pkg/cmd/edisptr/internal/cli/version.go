package cli

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/edisptr/edis-go/pkg/cmd/edisptr/internal/render"
)

func (t tool) versionCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  noArguments,
		RunE: does(func(context.Context, []string) (Result, error) {
			return Result{Body: render.Document{
				Lines: render.Lines("edisptr " + version()),
				JSON:  map[string]string{"version": moduleVersion()},
			}}, nil
		}),
	}
	describeJSON(command, "  version  version of the module")
	return command
}

// version returns the versions of the module and of Go, and the platform.
func version() string {
	return fmt.Sprintf("%s %s %s/%s", moduleVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// moduleVersion returns the module version in the build info, or "(devel)".
func moduleVersion() string {
	if build, ok := debug.ReadBuildInfo(); ok && build.Main.Version != "" {
		return build.Main.Version
	}
	return "(devel)"
}
