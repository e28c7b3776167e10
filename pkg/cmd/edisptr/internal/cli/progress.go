package cli

import (
	"time"

	"github.com/schollz/progressbar/v3"
)

// progress is a progress bar on standard error, for one phase after another. It appears one
// second after a phase begins, and only on a terminal.
type progress struct {
	tool    tool
	what    string
	total   int
	started time.Time
	bar     *progressbar.ProgressBar // nil until it appears
}

// progress returns a progress bar for a phase.
func (t tool) progress(what string, total int) *progress {
	p := &progress{tool: t}
	p.begin(what, total)
	return p
}

// begin begins a phase.
func (p *progress) begin(what string, total int) {
	p.what, p.total, p.started = what, total, time.Now()
}

// set says how much is done.
func (p *progress) set(done int) {
	if p.bar == nil && time.Since(p.started) > time.Second && isTerminal(p.tool.Err) && !p.tool.flags.quiet {
		p.bar = progressbar.NewOptions(p.total,
			progressbar.OptionSetWriter(p.tool.Err),
			progressbar.OptionSetDescription(p.what),
			progressbar.OptionSetWidth(30),
			progressbar.OptionShowCount(),
			progressbar.OptionClearOnFinish(),
			progressbar.OptionSetPredictTime(false),
		)
	}
	if p.bar != nil {
		_ = p.bar.Set(done) // failing to draw the bar is harmless
	}
}

// end removes the bar.
func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Clear()
		p.bar = nil
	}
}
