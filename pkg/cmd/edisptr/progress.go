package main

import (
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progress is a progress bar on standard error. It appears after one second, and
// only on a terminal. It is safe for concurrent use.
type progress struct {
	mutex   sync.Mutex
	what    string
	total   int
	done    int
	show    bool
	started time.Time
	app     *app
	bar     *progressbar.ProgressBar // nil until it appears
}

func (a *app) progress(what string, total int) *progress {
	return &progress{what: what, total: total, show: isTerminal(a.stderr), started: time.Now(), app: a}
}

func (p *progress) add(n int) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
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
		_ = p.bar.Set(p.done) // failing to draw the bar is harmless
	}
}

func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}
