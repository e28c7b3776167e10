package edistest

import (
	"fmt"
	"maps"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Calls for an address of another KVM server are refused, and nothing changes.
func TestAddressOfAnotherServerIsRefused(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	one, _ := addFleet(t, s)
	other := netip.MustParseAddr("203.0.113.1")
	s.SetPTRs(map[netip.Addr]string{other: "other.example"})
	for name, session := range map[string]string{"listed": one.KVMID, "unlisted": s.Session().KVMID} {
		form, own := formOf(one, ""), "198.51.100.1"
		if session == s.Session().KVMID {
			form, own = formWith(s, ""), "192.0.2.1"
		}
		for path, ip := range map[string]string{
			"/set/ptr": `{"` + own + `":"a.example","203.0.113.1":"a.example"}`, "/del/ptr": `["` + own + `","203.0.113.1"]`, "/get/ptr": `["203.0.113.1"]`,
		} {
			form.Set("ip", ip)
			if got := postForm(t, s, path, form); got.status != 400 || !strings.Contains(got.body, "203.0.113.1 is not an address of "+session) || strings.Contains(got.body, "other.example") {
				t.Errorf("POST %s of a server with %s addresses = %+v, want 400 and a reason", path, name, got)
			}
		}
	}
	if got, want := s.PTRs(), map[netip.Addr]string{other: "other.example"}; !maps.Equal(got, want) {
		t.Errorf("PTRs() = %v, want %v", got, want)
	}
}

// A list has the visible records of the server and of no other.
func TestListHasTheRecordsOfOneServer(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	session, _ := addFleet(t, s)
	s.SetPTRs(map[netip.Addr]string{
		netip.MustParseAddr("198.51.100.20"): "b.example", netip.MustParseAddr("198.51.100.3"): "a.example",
		netip.MustParseAddr("198.51.100.4"): "gone.example",
		netip.MustParseAddr("203.0.113.1"):  "other.example", netip.MustParseAddr("192.0.2.1"): "first.example",
	})
	if got := postForm(t, s, "/del/ptr", formOf(session, `["198.51.100.4"]`)); got.status != 200 {
		t.Fatalf("deletePTR = %+v, want 200", got)
	}
	got := postForm(t, s, "/get/ptr", formOf(session, "[]"))
	if want := `{"records":[{"ip":"198.51.100.3","ptr_record":"a.example"},{"ip":"198.51.100.20","ptr_record":"b.example"}],"status":"success"}`; got.body != want {
		t.Errorf("list = %+v, want %s", got, want)
	}
}

// Names and addresses are kept in one form, however they come in.
func TestRecordsAreCanonical(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ address, name, wantAddress, wantName string }{
		{"::ffff:192.0.2.1", "Mail.Example.com.", "192.0.2.1", "mail.example.com"},
		{"2001:DB8:0::1", "bücher.example", "2001:db8::1", "xn--bcher-kva.example"},
		{"192.0.2.2", "_a_b.example", "192.0.2.2", "_a_b.example"},
	} {
		address, want := netip.MustParseAddr(test.address), map[netip.Addr]string{netip.MustParseAddr(test.wantAddress): test.wantName}
		s := newServer(t)
		s.SetPTRs(map[netip.Addr]string{address: test.name})
		if got := s.PTRs(); !maps.Equal(got, want) {
			t.Errorf("SetPTRs of %q for %s sets %v, want %v", test.name, test.address, got, want)
		}
		s = newServer(t)
		if got := postForm(t, s, "/set/ptr", formWith(s, fmt.Sprintf(`{%q:%q}`, test.address, test.name))); got.status != 200 {
			t.Fatalf("setPTR = %+v, want 200", got)
		}
		if got := s.PTRs(); !maps.Equal(got, want) {
			t.Errorf("setPTR of %q for %s sets %v, want %v", test.name, test.address, got, want)
		}
		if got := postForm(t, s, "/del/ptr", formWith(s, fmt.Sprintf(`[%q]`, test.address))); got.status != 200 || len(s.PTRs()) != 0 {
			t.Errorf("deletePTR of %s = %+v, then PTRs() = %v, want none", test.address, got, s.PTRs())
		}
	}
}

func TestSetPTRsPanicsOnWhatCannotBeARecord(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for address, name := range map[string]string{"192.0.2.2": "a..b", "127.0.0.1": "a.example", "fe80::1%eth0": "a.example"} {
		wantPanic(t, "SetPTRs", func() { s.SetPTRs(map[netip.Addr]string{netip.MustParseAddr(address): name}) }, address, name)
	}
	if got := s.PTRs(); len(got) != 0 {
		t.Errorf("PTRs() = %v, want none", got)
	}
}

// SetPTRs replaces what is still to become visible, at once.
func TestSetPTRsHasNoLag(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.SetLag(time.Hour)
	_ = postForm(t, s, "/set/ptr", formWith(s, onePTR))
	s.SetPTRs(map[netip.Addr]string{netip.MustParseAddr("192.0.2.10"): "new.example"})
	if got := postForm(t, s, "/get/ptr", formWith(s, oneAddress)); !strings.Contains(got.body, "new.example") {
		t.Errorf("getPTR after SetPTRs = %+v, want new.example", got)
	}
	s.SetClock(func() time.Time { return time.Now().Add(2 * time.Hour) })
	if got := postForm(t, s, "/get/ptr", formWith(s, oneAddress)); !strings.Contains(got.body, "new.example") {
		t.Errorf("getPTR two hours after SetPTRs = %+v, want new.example", got)
	}
}

// Writes of one record within the lag become visible in order, none before its time.
func TestWritesWithinTheLagShowInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := NewTestServer(t)
		s.SetLag(10 * time.Minute)
		started := time.Now()
		at := func(minute int) { time.Sleep(time.Until(started.Add(time.Duration(minute) * time.Minute))) }
		call := func(path, ip string) string {
			t.Helper()
			got := postForm(t, s, path, formWith(s, ip))
			if got.status != 200 {
				t.Fatalf("POST %s = %+v, want 200", path, got)
			}
			return got.body
		}
		want := func(minute int, records string) {
			t.Helper()
			at(minute)
			if got := call("/get/ptr", oneAddress); !strings.Contains(got, `"records":[`+records+`]`) {
				t.Errorf("after %d minutes getPTR = %s, want %q", minute, got, records)
			}
		}
		const first, second, third = `{"ip":"192.0.2.10","ptr_record":"first.example"}`, `{"ip":"192.0.2.10","ptr_record":"second.example"}`, `{"ip":"192.0.2.10","ptr_record":"third.example"}`
		call("/set/ptr", `{"192.0.2.10":"first.example"}`)
		at(5)
		call("/set/ptr", `{"192.0.2.10":"second.example"}`)
		want(9, "")
		want(10, first)
		want(14, first)
		want(15, second)
		at(100)
		call("/set/ptr", `{"192.0.2.10":"third.example"}`)
		at(105)
		call("/del/ptr", oneAddress)
		want(109, second)
		want(114, third)
		if got := s.PTRs(); len(got) != 0 {
			t.Errorf("PTRs() = %v, want that the record is removed already", got)
		}
		want(115, "")
	})
}
