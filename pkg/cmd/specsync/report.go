package main

import (
	"fmt"
	"strings"
)

// report prints what SPEC changes and returns the exit status of check.
func (a *app) report(c *comparison) int {
	for _, aside := range c.asides {
		fmt.Fprintln(a.stderr, "specsync:", aside)
	}
	if !c.concerns() {
		fmt.Fprintln(a.stdout, "nothing that concerns us changed"+c.wording()+c.left())
		return exitSame
	}
	for _, change := range c.changes {
		fmt.Fprintln(a.stdout, change)
	}
	for _, note := range c.notes {
		fmt.Fprintln(a.stdout, note)
	}
	if left := c.left(); left != "" {
		fmt.Fprintln(a.stdout, strings.TrimPrefix(left, "; "))
	}
	return exitChanged
}

// wording names the changes of texts, in the one line that there is for them.
func (c *comparison) wording() string {
	if len(c.changes) == 0 {
		return ""
	}
	var named []string
	for _, change := range c.changes {
		named = append(named, change.id+": "+change.what)
	}
	const most = 5
	rest := ""
	if len(named) > most {
		rest = fmt.Sprintf("; and %d more", len(named)-most)
		named = named[:most]
	}
	return "; wording only: " + strings.Join(named, "; ") + rest
}

// left names what the document says nothing of.
func (c *comparison) left() string {
	if len(c.uncover) == 0 {
		return ""
	}
	return "; this is the page of one operation, which says nothing of " + strings.Join(c.uncover, ", ")
}
