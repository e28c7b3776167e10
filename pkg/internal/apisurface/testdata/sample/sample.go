// Package sample has something of each kind that a package can export.
package sample

import (
	"bytes"
	"net/url"
	"os"
)

// Limit is a constant.
const Limit = 3

// Inferred has a type that its declaration does not name.
var Inferred = must(url.ParseQuery("a=b"))

// A Thing has exported and other parts.
type Thing struct {
	bytes.Buffer
	hidden int
}

// Same is a Thing.
type Same = Thing

// Reader is an interface.
type Reader interface {
	Read(p []byte) (int, error)
}

// Open is a function.
func Open(name string) (*Thing, error) {
	_, err := os.Stat(name)
	return &Thing{hidden: Limit}, err
}

// Close is a method of the pointer.
func (t *Thing) Close() error { t.hide(); return nil }

// Len is a method of the value.
func (t Thing) Len() int { return t.hidden }

func (t *Thing) hide() { t.hidden = 0 }

func must(values url.Values, err error) url.Values {
	if err != nil {
		panic(err)
	}
	return values
}
