// Package apisurface lists the exported API of a package, for tests that keep
// the listing in a golden file: whoever changes the surface sees it in the diff.
package apisurface

import (
	"bytes"
	"fmt"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// A Listing is the exported API of a package.
type Listing struct {
	Lines   []string // sorted, one for each name, field and method
	Imports []string // sorted paths of the packages whose types it shows
}

// Of lists the package in a folder. It reads what the compiler made of it, so
// that inferred and embedded types count too.
func Of(dir string) (*Listing, error) {
	path, exports, err := compiled(dir)
	if err != nil {
		return nil, err
	}
	lookup := func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) }
	pkg, err := importer.ForCompiler(token.NewFileSet(), "gc", lookup).Import(path)
	if err != nil {
		return nil, err
	}
	l := &lister{pkg: pkg, imports: make(map[string]bool)}
	for _, name := range pkg.Scope().Names() {
		if object := pkg.Scope().Lookup(name); object.Exported() {
			l.object(object)
		}
	}
	slices.Sort(l.lines)
	return &Listing{l.lines, slices.Sorted(maps.Keys(l.imports))}, nil
}

// compiled returns the path of the package in a folder, and the files with what
// the compiler exports of it and of all that it imports.
func compiled(dir string) (path string, exports map[string]string, err error) {
	command := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}", ".")
	command.Dir = dir
	var stderr bytes.Buffer
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		return "", nil, fmt.Errorf("go list in %s: %w\n%s", dir, err, stderr.String())
	}
	exports = make(map[string]string)
	for line := range strings.Lines(string(output)) {
		name, file, _ := strings.Cut(strings.TrimSpace(line), "\t")
		exports[name] = file
		path = name // the package itself comes after what it imports
	}
	return path, exports, nil
}

// lister collects lines.
type lister struct {
	pkg     *types.Package
	lines   []string
	imports map[string]bool
}

func (l *lister) add(format string, values ...any) {
	l.lines = append(l.lines, fmt.Sprintf(format, values...))
}

// qualify names other packages by their names, and remembers them.
func (l *lister) qualify(pkg *types.Package) string {
	if pkg == l.pkg {
		return ""
	}
	l.imports[pkg.Path()] = true
	return pkg.Name()
}

func (l *lister) typeName(t types.Type) string { return types.TypeString(t, l.qualify) }

func (l *lister) object(object types.Object) {
	switch object := object.(type) {
	case *types.Const:
		l.add("const %s %s = %s", object.Name(), l.typeName(object.Type()), object.Val())
	case *types.TypeName:
		l.declared(object)
	default: // var, func
		l.add("%s", types.ObjectString(object, l.qualify))
	}
}

// declared lists a type: its kind, its exported fields and its methods, those of
// embedded types included.
func (l *lister) declared(object *types.TypeName) {
	name := object.Name()
	if object.IsAlias() {
		l.add("type %s = %s", name, l.typeName(types.Unalias(object.Type())))
		return
	}
	switch underlying := object.Type().Underlying().(type) {
	case *types.Struct:
		l.add("type %s struct", name)
		l.fields(name, underlying)
	case *types.Interface:
		l.add("type %s %s", name, l.typeName(underlying))
		return
	default:
		l.add("type %s %s", name, l.typeName(underlying))
	}
	methods := types.NewMethodSet(types.NewPointer(object.Type()))
	byValue := types.NewMethodSet(object.Type())
	for method := range methods.Methods() {
		receiver := "*" + name
		if byValue.Lookup(method.Obj().Pkg(), method.Obj().Name()) != nil {
			receiver = name
		}
		if method.Obj().Exported() {
			signature := strings.TrimPrefix(l.typeName(method.Type()), "func")
			l.add("method (%s) %s%s", receiver, method.Obj().Name(), signature)
		}
	}
}

func (l *lister) fields(of string, structure *types.Struct) {
	for field := range structure.Fields() {
		if field.Exported() {
			l.add("type %s struct, %s %s", of, field.Name(), l.typeName(field.Type()))
		}
	}
}
