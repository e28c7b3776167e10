package cli

import (
	"io"
	"log"
	"reflect"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// allCommands calls do for each command, with its name without "edisptr".
func allCommands(do func(name string, command *cobra.Command)) {
	var walk func(command *cobra.Command)
	walk = func(command *cobra.Command) {
		do(strings.TrimSpace(strings.TrimPrefix(command.CommandPath(), "edisptr")), command)
		for _, inner := range command.Commands() {
			walk(inner)
		}
	}
	walk(tool{IO{strings.NewReader(""), io.Discard, io.Discard, lookup(nil)}, new(globalFlags)}.rootCommand())
}

func TestHelpFits80Columns(t *testing.T) {
	t.Parallel()
	allCommands(func(name string, _ *cobra.Command) {
		got := run(t, nil, append(strings.Fields(name), "--help")...)
		if got.status != 0 || got.stdout == "" || got.stderr != "" {
			t.Errorf("%s --help = %+v, want status 0 and help", name, got)
		}
		for line := range strings.Lines(got.stdout) {
			if n := len(strings.TrimSuffix(line, "\n")); n > 80 {
				t.Errorf("%s --help prints a line of %d bytes, want at most 80: %s", name, n, line)
			}
		}
	})
}

// Some shells show backquotes in the usage of a flag as they are.
func TestUsageHasNoBackquotes(t *testing.T) {
	t.Parallel()
	flags := 0
	allCommands(func(name string, command *cobra.Command) {
		command.Flags().VisitAll(func(flag *pflag.Flag) {
			flags++
			if strings.Contains(flag.Usage, "`") {
				t.Errorf("%s --%s: the usage has a backquote: %s", name, flag.Name, flag.Usage)
			}
		})
		if strings.Contains(command.Short, "`") {
			t.Errorf("%s: %s has a backquote", name, command.Short)
		}
	})
	if flags < 20 {
		t.Errorf("%d flags, want those of all commands", flags)
	}
}

// The help of a command documents each field of its JSON.
func TestJSONIsDocumented(t *testing.T) {
	t.Parallel()
	for name, fields := range map[string]map[string]any{
		"set":     {"records": recordJSON{}},
		"get":     {"records": recordJSON{}},
		"delete":  {"records": recordJSON{}},
		"list":    {"servers": listJSON{}, "servers[].records": listedRecord{}},
		"servers": {"servers": serverJSON{}},
		"apply":   {"changes": changeJSON{}, "summary": nil},
		"check":   {"results": checkJSON{}},
		"doctor":  {"report": finding{}, "settings": nil},
		"version": {"version": nil},
	} {
		help := run(t, nil, name, "--help").stdout
		for list, value := range fields {
			wanted := []string{list}
			if value != nil {
				for i := range reflect.TypeOf(value).NumField() {
					tag, _, _ := strings.Cut(reflect.TypeOf(value).Field(i).Tag.Get("json"), ",")
					wanted = append(wanted, list+"[]."+tag)
				}
			}
			for _, field := range wanted {
				if !strings.Contains(help, "\n  "+field+" ") {
					t.Errorf("%s --help does not document the field %s", name, field)
				}
			}
		}
	}
}

// The log messages of net/http contain bytes from the service.
func TestPackageLogIsSilent(t *testing.T) { // not parallel: changes the logger
	log.SetOutput(io.Discard)
	var leaked strings.Builder
	log.SetOutput(&leaked)
	run(t, nil, "version")
	log.Print("from the service")
	if leaked.Len() != 0 {
		t.Errorf("log.Print after a run prints %q, want nothing", &leaked)
	}
}
