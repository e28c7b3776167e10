package cli

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/edisptr/edis-go/pkg/cmd/edisptr/internal/recordfile"
	"github.com/edisptr/edis-go/pkg/edis"
)

func TestExitStatus(t *testing.T) {
	t.Parallel()
	call := func(outcome edis.Outcome, reason error) error {
		return &edis.CallError{Op: "apply", Outcome: outcome, Err: reason}
	}
	badInput := &edis.InputError{Field: "KVM ID", Value: "x", Reason: "is unknown"}
	reason, changed := errors.New("reason"), Result{Changed: "1 set"}
	for name, test := range map[string]struct {
		result Result
		err    error
		want   int
	}{
		"success":                          {Result{}, nil, exitOK},
		"success that changed records":     {changed, nil, exitOK},
		"differences":                      {Result{Differs: true}, nil, exitDiffers},
		"failure with differences":         {Result{Differs: true}, failed(reason), exitFailed},
		"failure before any change":        {Result{}, failed(reason), exitFailed},
		"foreign error":                    {Result{}, reason, exitUnknown},
		"interrupted before any change":    {Result{}, failed(context.Canceled), exitFailed},
		"not sent":                         {Result{}, call(edis.OutcomeNotSent, reason), exitFailed},
		"refused":                          {Result{}, call(edis.OutcomeUnchanged, reason), exitFailed},
		"unknown":                          {Result{}, call(edis.OutcomeUnknown, reason), exitUnknown},
		"unknown, with a text before it":   {Result{}, about{"set", call(edis.OutcomeUnknown, reason)}, exitUnknown},
		"refused and unknown":              {Result{}, errors.Join(call(edis.OutcomeUnchanged, reason), call(edis.OutcomeUnknown, reason)), exitUnknown},
		"usage":                            {Result{}, usagef("unknown flag"), exitUsage},
		"arguments":                        {Result{}, problems{badInput}, exitUsage},
		"a file":                           {Result{}, errors.Join(&recordfile.Error{File: "f", Reason: "is empty"}), exitUsage},
		"input that a plan refused":        {Result{}, call(edis.OutcomeUnchanged, badInput), exitUsage},
		"input that a call refused":        {Result{}, call(edis.OutcomeNotSent, fmt.Errorf("call: %w", badInput)), exitUsage},
		"input refused after a change":     {Result{}, call(edis.OutcomeUnknown, badInput), exitUnknown},
		"output of nothing":                {Result{}, outputError{reason, "", nil}, exitFailed},
		"output of differences":            {Result{Differs: true}, outputError{reason, "", nil}, exitFailed},
		"output after a change":            {changed, outputError{reason, "1 set", nil}, exitUnknown},
		"output after a change and a fail": {changed, outputError{reason, "1 set", failed(reason)}, exitUnknown},
		"output after a refusal":           {Result{}, outputError{reason, "", call(edis.OutcomeUnchanged, reason)}, exitFailed},
		"output after an unknown outcome":  {Result{}, outputError{reason, "", call(edis.OutcomeUnknown, reason)}, exitUnknown},
		"output after a usage error":       {Result{}, outputError{reason, "", usagef("unknown flag")}, exitUsage},
		"command of the sandbox":           {Result{}, childStatus(7), 7},
	} {
		if got := exitStatus(test.result, test.err); got != test.want {
			t.Errorf("%s: exitStatus(%+v, %v) = %d, want %d", name, test.result, test.err, got, test.want)
		}
	}
}
