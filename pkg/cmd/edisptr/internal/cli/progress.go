package cli

import (
	"time"

	"github.com/schollz/progressbar/v3"
)

// progress is a progress bar on standard error. It appears after one second, and only on a
// terminal.
type progress struct {
	tool    tool
	what    string
	total   int
	started time.Time
	bar     *progressbar.ProgressBar // nil until it appears
}

func (t tool) progress(what string, total int) *progress {
	return &progress{tool: t, what: what, total: total, started: time.Now()}
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
		_ = p.bar.Set(min(done, p.total)) // failing to draw the bar is harmless
	}
}

// end removes the bar.
func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}
