package cli

import (
	"bufio"
	"context"
	"io"
	"os"
	"strings"

	"github.com/edisptr/edis-go/pkg/cmd/edisptr/internal/render"
	"github.com/edisptr/edis-go/pkg/internal/redact"
)

// A terminal is where a person reads and types, whatever standard input and output are.
type terminal struct {
	file    *os.File
	replies *bufio.Reader
	other   io.Writer // standard error, for a terminal that can only be read
	colors  bool
}

// openTerminal returns standard input if it is a terminal, or else the terminal of the
// process.
func (t tool) openTerminal() (*terminal, error) {
	file, ok := t.In.(*os.File)
	if !ok || !isTerminal(file) {
		var err error
		if file, err = os.OpenFile(terminalFile, os.O_RDWR, 0); err != nil { // closed when the program ends
			return nil, err
		}
	}
	return &terminal{file, bufio.NewReader(file), t.Err, t.wantsColors()}, nil
}

// Write writes text on the terminal.
func (t *terminal) Write(text []byte) (int, error) {
	if n, err := t.file.Write(text); err == nil {
		return n, nil
	}
	return t.other.Write(text)
}

// show prints lines.
func (t *terminal) show(lines []render.Cell) {
	_ = render.Document{Lines: lines}.WriteText(t, t.colors) // the question follows, and fails too
}

// ask asks the user a question, and reports whether the reply is yes. The end of the input
// and that of ctx count as no.
func (t *terminal) ask(ctx context.Context, question string) bool {
	t.prompt(question + " [y/N] ")
	reply, err := waitFor(ctx, func() (string, error) { return t.replies.ReadString('\n') })
	if err != nil {
		t.show(render.Lines(""))
	}
	reply = strings.ToLower(strings.TrimSpace(reply))
	return reply == "y" || reply == "yes"
}

// prompt prints text after which the user types.
func (t *terminal) prompt(text string) { _, _ = io.WriteString(t, redact.Printable(text)) }

// waitFor returns what work returns, or the error of ctx if that ends before. Then a
// goroutine remains until work ends.
func waitFor[T any](ctx context.Context, work func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	results := make(chan result, 1)
	go func() {
		value, err := work()
		results <- result{value, err}
	}()
	select {
	case r := <-results:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
