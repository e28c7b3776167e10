package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
)

// write sets the records in want, or deletes them if done is stateDeleted, in one
// request, and returns their states. If the outcome is unknown it reads the records back:
// if they are as wanted, that is a success.
func (a *app) write(ctx context.Context, t target, done state, want map[netip.Addr]string) (map[netip.Addr]state, error) {
	addresses := slices.SortedFunc(maps.Keys(want), netip.Addr.Compare)
	var err error
	if done == stateDeleted {
		err = t.client.DeletePTR(ctx, t.source, addresses...)
	} else {
		err = t.client.SetPTR(ctx, t.source, want)
	}
	after := stateAfter(done, err)
	states := make(map[netip.Addr]state, len(want))
	for _, address := range addresses {
		states[address.Unmap()] = after
	}
	if after == stateUnknown {
		differing, readErr := readBack(ctx, t, want)
		for _, address := range addresses {
			if readErr == nil && !differing[address.Unmap()] {
				states[address.Unmap()] = done
			}
		}
		if readErr == nil && len(differing) == 0 {
			a.note("%s read back as wanted, despite an error: %s", recordCount(len(want)), causes(err))
			err = nil
		}
	}
	if slices.Contains(slices.Collect(maps.Values(states)), done) {
		a.changed.Store(true)
	}
	return states, err
}

// stateAfter returns the state of records after a write that returned err.
func stateAfter(done state, err error) state {
	switch {
	case err == nil:
		return done
	case errors.Is(err, edis.ErrOutcomeUnknown):
		return stateUnknown
	case errors.Is(err, edis.ErrNotSent), errors.Is(err, edis.ErrInvalidInput):
		return stateSkipped
	}
	return stateRefused
}

// readBackPauses are the pauses between the reads after a write, which the service may
// show late.
var readBackPauses = []time.Duration{250 * time.Millisecond, time.Second, 3 * time.Second}

// readBack reads records until they are as wanted, for a few seconds at most, and returns
// the addresses whose records are not.
func readBack(ctx context.Context, t target, want map[netip.Addr]string) (differing map[netip.Addr]bool, err error) {
	for attempt := 0; ; attempt++ {
		current, err := t.client.GetPTR(ctx, t.source, slices.Collect(maps.Keys(want))...)
		if err != nil {
			return nil, err
		}
		differing = make(map[netip.Addr]bool)
		for address, name := range want {
			if current[address.Unmap()] != canonicalName(name) {
				differing[address.Unmap()] = true
			}
		}
		if len(differing) == 0 || attempt == len(readBackPauses) {
			return differing, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(readBackPauses[attempt]):
		}
	}
}

// note prints a line on standard error when the command ends: a progress bar may be
// there now.
func (a *app) note(format string, args ...any) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.notes = append(a.notes, fmt.Sprintf(format, args...))
}
