package main

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
)

// A block is a document and the number of lines before it in its file.
type block struct {
	content []byte
	before  int
}

var (
	// beginsDocument is how an OpenAPI document looks at its start, in YAML or JSON.
	beginsDocument = regexp.MustCompile(`^\s*(?:\{\s*)?["']?openapi["']?\s*:`)
	fence          = regexp.MustCompile("^ {0,3}(`{3,}|~{3,})(.*)$")
	looksHTML      = regexp.MustCompile(`(?i)^\s*<(?:!doctype|html|head|body|\?xml)\b`)
)

// findDocument returns the document that a file is, or that a page holds in a
// fenced block.
func findDocument(content []byte) (block, error) {
	content = bytes.TrimPrefix(content, []byte("\xef\xbb\xbf")) // byte order mark
	switch {
	case len(bytes.TrimSpace(content)) == 0:
		return block{}, at(1, 1, "the file is empty")
	case looksHTML.Match(content):
		return block{}, at(1, 1, "this is an HTML page, not a document; give the address of the page's Markdown or of the document")
	}
	blocks, err := fencedDocuments(strings.SplitAfter(string(content), "\n"))
	switch {
	case err != nil:
		return block{}, err
	case len(blocks) > 1:
		return block{}, at(blocks[1].before, 1, fmt.Sprintf("a second document in a fenced block; the first begins at line %d", blocks[0].before))
	case len(blocks) == 1:
		return blocks[0], nil
	}
	return block{content: content}, nil
}

// fencedDocuments returns the fenced blocks that hold OpenAPI documents
// (CommonMark, "Fenced code blocks": closed by at least as many of the same
// characters).
func fencedDocuments(lines []string) ([]block, error) {
	var found []block
	for i := 0; i < len(lines); i++ {
		opening := fence.FindStringSubmatch(strings.TrimRight(lines[i], "\r\n"))
		if opening == nil {
			continue
		}
		end := closingFence(lines, i+1, opening[1])
		inside := []byte(strings.Join(lines[i+1:min(end, len(lines))], ""))
		if beginsDocument.Match(inside) {
			if end == len(lines) {
				return nil, at(i+1, 1, "the fenced block that begins here does not end; the page is cut off")
			}
			found = append(found, block{content: inside, before: i + 1})
		}
		i = end
	}
	return found, nil
}

// closingFence returns the line that closes a fence, or the number of lines.
func closingFence(lines []string, from int, opening string) int {
	for i := from; i < len(lines); i++ {
		text := strings.TrimSpace(lines[i])
		if len(text) >= len(opening) && strings.Trim(text, opening[:1]) == "" {
			return i
		}
	}
	return len(lines)
}
