package edis

import (
	"context"
	"errors"
	"time"

	"github.com/edisptr/edis-go/pkg/internal/contract"
)

// An attemptLog is what the Logger is told of an attempt.
type attemptLog struct {
	baseURL string
	number  int
	took    time.Duration
	got     received
	failed  *CallError // nil for a success
}

func (c *Client) logAttempt(ctx context.Context, call call, a attemptLog) {
	log := c.options.Logger.With("op", call.op, "url", a.baseURL, "kvm_id", call.hide.Text(call.kvmID, 100), "attempt", a.number)
	if a.isMislabeled(call) {
		contentType := "not shown" // that of a login may contain a new secret
		if !call.logsIn {
			contentType = call.hide.Text(a.got.contentType, 100)
		}
		log.WarnContext(ctx, "edis: valid JSON with the wrong content type", "type", contentType)
	}
	fields := []any{"took", a.took}
	if a.got.status != 0 {
		fields = append(fields, "status", a.got.status, "bytes", a.got.size)
	}
	if a.failed != nil {
		fields = append(fields, "outcome", a.failed.Outcome, "error", a.failed.Err)
	}
	log.DebugContext(ctx, "edis: attempt", fields...)
}

// isMislabeled reports whether a response is as documented except for its content type.
func (a attemptLog) isMislabeled(call call) bool {
	if a.got.status == 0 || contract.IsJSON(a.got.contentType) {
		return false
	}
	documented := contract.Operations()[call.op].IsDocumented(a.got.status)
	refused := new(APIError)
	return a.failed == nil || documented && errors.As(a.failed, &refused) && !errors.Is(a.failed, ErrContract)
}
