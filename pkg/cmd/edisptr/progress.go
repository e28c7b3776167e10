package main

import (
	"time"

	"github.com/schollz/progressbar/v3"
)

// progress is a bar on standard error, if that is a terminal, for what takes
// more than a second.
type progress struct {
	what    string
	total   int
	done    int
	show    bool
	started time.Time
	app     *app
	bar     *progressbar.ProgressBar // nil until it is shown
}

func (a *app) progress(what string, total int) *progress {
	return &progress{what: what, total: total, show: isTerminal(a.stderr), started: time.Now(), app: a}
}

func (p *progress) add(n int) {
	p.done += n
	if p.bar == nil && p.show && time.Since(p.started) > time.Second {
		p.bar = progressbar.NewOptions(p.total,
			progressbar.OptionSetWriter(p.app.stderr),
			progressbar.OptionSetDescription(p.what),
			progressbar.OptionSetWidth(30),
			progressbar.OptionShowCount(),
			progressbar.OptionClearOnFinish(),
		)
	}
	if p.bar != nil {
		_ = p.bar.Set(p.done) // a bar that cannot be shown is no matter
	}
}

func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}
