package edis_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/edisptr/edis-go/pkg/edis"
)

// skipUnderRaceDetector skips a test whose limits do not hold under the race detector.
func skipUnderRaceDetector(t *testing.T) {
	t.Helper()
	if underRaceDetector {
		t.Skip("the race detector takes more time and memory")
	}
}

// allocatedBy returns how many bytes the process allocates during a call.
func allocatedBy(call func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	call()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// wantWithin fails the test if a call takes longer than the limit each time. The machine
// may be busy, so one of five counts.
func wantWithin(t *testing.T, limit time.Duration, what string, call func()) {
	t.Helper()
	best := time.Hour
	for range 5 {
		started := time.Now()
		call()
		if best = min(best, time.Since(started)); best <= limit {
			return
		}
	}
	t.Errorf("%s took %v, want at most %v", what, best, limit)
}

// bodyOf returns JSON of about this size: items between two parts, with numbers for #.
func bodyOf(before, item, after string, size int) string {
	var text strings.Builder
	text.WriteString(before)
	for i := 0; text.Len() < size-len(after)-len(item)-20; i++ {
		if i > 0 {
			text.WriteByte(',')
		}
		text.WriteString(strings.ReplaceAll(item, "#", strconv.Itoa(i)))
	}
	return text.String() + after
}

// The login of an account with 10,000 servers takes time in proportion to their number. If
// each were compared with each, it would take minutes.
func TestEffortOfLargeLogin(t *testing.T) { //nolint:paralleltest // measures the process
	skipUnderRaceDetector(t)
	const servers = 10_000
	signature := strings.Repeat("0123456789abcdef", 31)
	item := `"kvm_#":{"kvm_id":"kvm_#","signature":"` + signature + `#","api_host":"#.edis.example","valid_until":4102444800,"description":"server # of many"}`
	text := bodyOf(`{"status":"success","data":{`, item, `}}`, servers*(len(item)+18))
	var sessions []edis.Session
	login := func() {
		var err error
		if sessions, err = clientReceiving(t, http.Response{StatusCode: 200, Body: body(text)}).Login(t.Context(), credentials); err != nil {
			t.Fatal(err)
		}
	}
	if allocated := allocatedBy(login); allocated > 200<<20 || len(sessions) < servers {
		t.Errorf("Login of %d servers allocated %d MiB, want at most 200 for at least %d", len(sessions), allocated>>20, servers)
	}
	wantWithin(t, time.Second, "Login of 10,000 servers", login)
}

// The time for a response is in proportion to its size, whatever it has. Each of these
// took, or would take, many times longer if one part were compared with each other one.
func TestEffortOfHostileResponse(t *testing.T) { //nolint:paralleltest // measures the process
	skipUnderRaceDetector(t)
	const size = 1 << 20
	ptr := func(name string) string {
		return bodyOf(`{"status":"success","data":{"ptr":{`, `"2001:db8::#":"`+name+`"`, `}}}`, size)
	}
	for name, text := range map[string]string{
		"many records":      bodyOf(`{"status":"success","records":[`, `{"ip":"2001:db8::#"}`, `]}`, size),
		"empty records":     bodyOf(`{"status":"success","records":[`, `{}`, `]}`, size),
		"many keys":         bodyOf(`{"status":"success","records":[],`, `"#":0`, `}`, size),
		"many ptr keys":     bodyOf(`{"status":"success","data":{"ptr":{`, `"#":null`, `}}}`, size),
		"useless sessions":  bodyOf(`{"status":"success","data":{`, `"#":null`, `}}`, size),
		"tiny sessions":     bodyOf(`{"status":"success","data":{`, `"#":{"signature":"x","valid_until":4102444800,"description":"%41"}`, `}}`, size),
		"escapes":           `{"status":"error","error":"` + strings.Repeat(`%2525`, size/5) + `"}`,
		"entities":          `{"status":"error","error":"` + strings.Repeat(`&amp;`, size/5) + `"}`,
		"backslashes":       `{"status":"error","error":"` + strings.Repeat(`\\`, size/2) + `"}`,
		"deep lists":        strings.Repeat("[", size),
		"deep objects":      strings.Repeat(`{"a":`, size/5),
		"long names":        ptr(strings.Repeat("a", 1000)),
		"long labels":       ptr(strings.Repeat("a.", 500)),
		"long IDNs":         ptr(strings.Repeat("ü", 500)),
		"many short IDNs":   ptr(strings.Repeat("üa.", 60)),
		"right-to-left":     ptr(strings.Repeat("אב.", 50)),
		"combining marks":   ptr(strings.Repeat("\u0301\u0323", 250)),
		"one very long IDN": `{"status":"success","data":{"ptr":{"192.0.2.10":"` + strings.Repeat("\u0301\u0323", size/4) + `"}}}`,
		"one long A-label":  `{"status":"success","data":{"ptr":{"192.0.2.10":"xn--` + strings.Repeat("a9", size/2) + `"}}}`,
	} {
		for operation, api := range apiCalls() {
			wantWithin(t, time.Second, operation+" of 1 MiB of "+name, func() {
				client := clientReceiving(t, http.Response{StatusCode: 200, Body: body(text)}, func(o *edis.Options) { o.MaxResponseBytes = 2 << 20 })
				wantSafeText(t, api.call(t.Context(), client))
			})
		}
	}
}

// 16 MiB of host names of 1 KiB each take time in proportion to their size, and no more
// once the context ends.
func TestEffortOfLongNames(t *testing.T) { //nolint:paralleltest // measures the process
	skipUnderRaceDetector(t)
	text := bodyOf(`{"status":"success","data":{"ptr":{`, `"2001:db8::#":"`+strings.Repeat("ab-9.", 204)+`"`, `}}}`, 16<<20)
	wantWithin(t, 2*time.Second, "ListPTR of 16 MiB of names", func() {
		// The addresses are not all valid, so that there is an error in the end.
		_, err := clientReceiving(t, http.Response{StatusCode: 200, Body: body(text)}).ListPTR(t.Context(), session())
		wantOutcome(t, err, edis.OutcomeUnchanged, edis.ErrContract)
	})
}

// The context of a read ends also the evaluation of a response that has arrived.
func TestContextEndsEvaluation(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	text := `{"status":"success","records":[{"ip":"192.0.2.10","ptr_record":"a.example"}]}`
	client := clientReceiving(t, http.Response{StatusCode: 200, Body: io.NopCloser(cancelAtEnd{strings.NewReader(text), cancel})})
	ptrs, err := client.GetPTR(ctx, session(), read4)
	if wantOutcome(t, err, edis.OutcomeUnchanged); ptrs != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("GetPTR = %v, %v, want context.Canceled", ptrs, err)
	}
}

// A cancelAtEnd is a reader that calls cancel when all was read.
type cancelAtEnd struct {
	io.Reader
	cancel context.CancelFunc
}

func (r cancelAtEnd) Read(p []byte) (n int, err error) {
	if n, err = r.Reader.Read(p); errors.Is(err, io.EOF) {
		r.cancel()
	}
	return n, err
}
