package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"time"
)

const maxSize = 16 << 20 // the provider's whole document has 0.2 MB

// read returns the content of a file or of an https URL.
func (a *app) read(ctx context.Context, spec string) []byte {
	var source io.ReadCloser
	if strings.Contains(spec, "://") {
		source = a.fetch(ctx, spec)
	} else {
		source = must(os.Open(spec)) //nolint:gosec // the user names the file
	}
	defer func() { _ = source.Close() }()
	content := must(io.ReadAll(io.LimitReader(source, maxSize+1)))
	if len(content) > maxSize {
		check(fmt.Errorf("larger than %d MB", maxSize>>20))
	}
	return content
}

func (a *app) fetch(ctx context.Context, url string) io.ReadCloser {
	request := must(http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody))
	check(onlyHTTPS(request, nil))
	client := *a.client
	client.Timeout, client.CheckRedirect = 30*time.Second, onlyHTTPS
	response, err := client.Do(request)
	check(err)
	if response.StatusCode != http.StatusOK {
		_ = response.Body.Close()
		check(fmt.Errorf("the response is %s, want 200 OK", response.Status))
	}
	return response.Body
}

// onlyHTTPS refuses plain requests and many redirects: what is fetched becomes
// part of the code of everyone who imports the library.
func onlyHTTPS(request *http.Request, via []*http.Request) error {
	if request.URL.Scheme != "https" || len(via) > 5 {
		return fmt.Errorf("request to %s refused: want https, and at most 5 redirects", request.URL)
	}
	return nil
}

var (
	// fence opens or closes a fenced block (CommonMark 4.5).
	fence      = regexp.MustCompile("^ {0,3}(`{3,}|~{3,})([^\r\n]*)[\r\n]*$")
	looksHTML  = regexp.MustCompile(`(?i)^\s*<(!doctype|html|head|body|\?xml)\b`)
	isDocument = regexp.MustCompile(`(?m)^\s*\{?\s*["']?openapi["']?\s*:`)
)

// findDocument returns the document that a page holds in a fenced block, or else
// the whole file, and the number of lines before it.
func findDocument(file []byte) (document []byte, before int) {
	document = bytes.TrimPrefix(file, []byte("\xef\xbb\xbf")) // byte order mark
	if looksHTML.Match(document) {
		refuse(1, 1, "an HTML page; give the URL of the page in Markdown, or of the document itself")
	}
	lines, marker, begin := bytes.SplitAfter(document, []byte("\n")), "", 0
	for i, line := range lines {
		found := fence.FindStringSubmatch(string(line))
		switch {
		case found == nil:
		case marker == "" && (found[1][0] == '~' || !strings.Contains(found[2], "`")):
			marker, begin = found[1], i+1
		case marker != "" && strings.HasPrefix(found[1], marker) && strings.TrimSpace(found[2]) == "":
			marker = ""
			inside := bytes.Join(lines[begin:i], nil)
			switch found := isDocument.Match(inside); {
			case found && before > 0:
				refuse(begin, 1, "a second document in a fenced block; the first begins at line %d", before)
			case found:
				document, before = inside, begin
			}
		}
	}
	if marker != "" && isDocument.Match(bytes.Join(lines[begin:], nil)) {
		refuse(begin, 1, "the fenced block that begins here does not end; is the page cut off?")
	}
	return document, before
}
