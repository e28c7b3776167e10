package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"time"
)

const maxSize = 4 << 20 // bytes; the provider's whole document has 0.2 MB

// read returns the content of a file or of an https URL.
func (a *app) read(ctx context.Context, spec string) ([]byte, error) {
	open := func() (io.ReadCloser, error) { return os.Open(spec) } //nolint:gosec // the user names the file
	if strings.Contains(spec, "://") {
		open = func() (io.ReadCloser, error) { return a.get(ctx, spec) }
	}
	source, err := open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = source.Close() }()
	content, err := io.ReadAll(io.LimitReader(source, maxSize+1))
	if err == nil && len(content) > maxSize {
		err = fmt.Errorf("larger than %d MB", maxSize>>20)
	}
	return content, err
}

func (a *app) get(ctx context.Context, url string) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody) //nolint:gosec // the user names the address
	if err == nil {
		err = onlyHTTPS(request, nil)
	}
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: a.client.Transport, Timeout: 30 * time.Second, CheckRedirect: onlyHTTPS}
	response, err := client.Do(request) //nolint:gosec // the user names the address
	if err == nil && response.StatusCode != http.StatusOK {
		err = errors.Join(fmt.Errorf("the response is %s, want 200 OK", response.Status), response.Body.Close())
	}
	if err != nil {
		return nil, err
	}
	return response.Body, nil
}

// onlyHTTPS refuses plain HTTP and more than 5 redirects. What is fetched becomes part of
// the code of everyone who imports the library.
func onlyHTTPS(request *http.Request, via []*http.Request) error {
	if request.URL.Scheme != "https" || len(via) > 5 {
		return fmt.Errorf("request to %s refused: want https, and at most 5 redirects", request.URL)
	}
	return nil
}

var (
	// fence opens or closes a fenced block (CommonMark 0.31.2, section 4.5).
	fence      = regexp.MustCompile("^ {0,3}(`{3,}|~{3,})([^\r\n]*)[\r\n]*$")
	isDocument = regexp.MustCompile(`(?m)^\s*\{?\s*["']?openapi["']?\s*:`)
)

// findDocument returns the document that a page has in a fenced block, and the number of
// lines before it. Without such a block, the whole file is the document.
func findDocument(file []byte) (document []byte, before int, err error) {
	document = bytes.TrimPrefix(file, []byte("\xef\xbb\xbf")) // byte order mark
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
				return nil, 0, refuse(begin, 1, "a second document in a fenced block; the first begins at line %d", before)
			case found:
				document, before = inside, begin
			}
		}
	}
	if marker != "" && isDocument.Match(bytes.Join(lines[begin:], nil)) {
		return nil, 0, refuse(begin, 1, "the fenced block that begins here does not end; is the page cut off?")
	}
	return document, before, nil
}

// refuse returns an error that says where in the file something is wrong.
func refuse(line, column int, format string, args ...any) error {
	return fmt.Errorf("line %d, column %d: "+format, append([]any{line, column}, args...)...)
}
