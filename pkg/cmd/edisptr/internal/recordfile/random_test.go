package recordfile

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// randomZone writes a zone with every directive and every way to write a record, and keeps
// what it says: the oracle of TestRandomZones.
type randomZone struct {
	*rand.Rand
	text  strings.Builder
	want  map[netip.Addr]string
	apex  string // a zone with addresses of a /22 or /32
	from  string // the current origin
	owner string // of the record before
	eol   string
}

func newRandomZone(seed uint64) *randomZone {
	z := &randomZone{Rand: rand.New(rand.NewPCG(seed, 0)), want: make(map[netip.Addr]string)}
	z.apex = z.pick("0.192.in-addr.arpa.", "8.b.d.0.1.0.0.2.ip6.arpa.")
	z.from, z.eol = z.apex, z.pick("\n", "\n", "\r\n")
	z.line("$ORIGIN " + z.apex)
	z.line(z.pick("$TTL 1h", "$ttl 3600 ; (comment", "$TTL 1W2D"))
	z.record(z.apex, "SOA", "ns.example.", "root\\.x.example.", "1", "1D", "2H", "1W", "2D")
	z.record(z.apex, "NS", "ns.example.")
	for range 5 + z.IntN(30) {
		z.entry()
	}
	return z
}

func (z *randomZone) pick(choices ...string) string { return choices[z.IntN(len(choices))] }

func (z *randomZone) line(text string) { z.text.WriteString(text + z.eol) }

func (z *randomZone) entry() {
	switch z.IntN(12) {
	case 0:
		z.line(z.pick("", " \t", "; comment \" ( ;", "\t; )"))
	case 1:
		z.noise()
	case 2:
		z.setOrigin(z.apex, z.zone(), "example.", ".")
	case 3:
		z.generate()
	case 4:
		z.child()
	default:
		address, owner := z.address()
		name := fmt.Sprintf("h%d.example", z.IntN(1000))
		z.want[address] = name
		if z.IntN(8) == 0 {
			z.record(owner, "TYPE12", `\#`, strconv.Itoa(len(name)+2), wireName(name))
		} else {
			z.record(owner, z.pick("PTR", "ptr", "Ptr"), z.name(name+"."))
		}
	}
}

// noise writes records that do not matter.
func (z *randomZone) noise() {
	owner := z.pick("ns", "x-1", "_dns.tcp") + "." + z.apex
	switch z.IntN(5) {
	case 0:
		z.record(owner, "TXT", `"; ( \" \\"`, `"a b"`, `c\;\(\"d`, `")"`)
	case 1:
		z.record(owner, "A", "192.0.2.1")
	case 2:
		z.record("9."+z.apex, "NS", "ns.example.")
	case 3:
		z.record(owner, "TYPE65400", `\#`, "1", "00")
	default:
		z.line("$GENERATE 1-3 z$." + z.apex + " A 192.0.2.$")
	}
}

func (z *randomZone) setOrigin(choices ...string) {
	origin := z.pick(choices...)
	written := origin
	if relative, ok := strings.CutSuffix(origin, "."+z.from); ok && z.from != "." && z.IntN(2) == 0 {
		written = relative
	}
	z.from = origin
	z.line(z.pick("$ORIGIN ", "$origin\t") + written + z.pick("", " ; comment"))
}

// zone returns the name of a zone in the apex.
func (z *randomZone) zone() string { return fmt.Sprintf("%d.%s", z.IntN(4), z.apex) }

// address returns an address that has no record yet, and its reverse name.
func (z *randomZone) address() (address netip.Addr, name string) {
	for {
		third, fourth := z.IntN(4), z.IntN(256)
		address = netip.AddrFrom4([4]byte{192, 0, byte(third), byte(fourth)})
		name = fmt.Sprintf("%d.%d.%s", fourth, third, z.apex)
		if strings.HasSuffix(z.apex, "ip6.arpa.") {
			address = netip.MustParseAddr(fmt.Sprintf("2001:db8:%d000::%x", third, fourth))
			name = fmt.Sprintf("%x.%x.%s%d.%s", fourth%16, fourth/16, strings.Repeat("0.", 21), third, z.apex)
		}
		if _, ok := z.want[address]; !ok {
			return address, name
		}
	}
}

// name writes an absolute name in one of its forms.
func (z *randomZone) name(absolute string) string {
	name := absolute
	switch relative, ok := strings.CutSuffix(absolute, "."+strings.TrimPrefix(z.from, ".")); {
	case absolute == z.from && z.IntN(2) == 0:
		return "@"
	case ok && relative != "" && z.IntN(4) > 0:
		name = relative
	}
	if z.IntN(4) == 0 {
		name = strings.ToUpper(name)
	}
	if z.IntN(8) == 0 {
		name = fmt.Sprintf("\\%03d", name[0]) + name[1:]
	}
	return name
}

// record writes a record, with a TTL and a class or without, and over several lines or not.
func (z *randomZone) record(owner, recordType string, data ...string) {
	fields := []string{}
	if owner == z.owner && z.IntN(2) == 0 {
		z.text.WriteString(z.pick(" ", "\t", "   "))
	} else {
		fields = append(fields, z.name(owner))
	}
	z.owner = owner
	switch z.IntN(5) {
	case 0:
		fields = append(fields, "60", "IN")
	case 1:
		fields = append(fields, "in", "1h30m")
	case 2:
		fields = append(fields, z.pick("60", "IN", "1W"))
	}
	fields = append(append(fields, recordType), data...)
	open := -1
	if z.IntN(3) == 0 {
		open = z.IntN(len(fields))
	}
	for i, field := range fields {
		if i > 0 {
			z.text.WriteString(z.separator(open >= 0 && open < i))
		}
		if i == open {
			z.text.WriteString(z.pick("(", "( ") + z.separator(i > 0))
		}
		z.text.WriteString(field)
	}
	if open >= 0 {
		z.text.WriteString(z.separator(true) + ")")
	}
	z.line(z.pick("", "", " ", " ; comment", ";("))
}

func (z *randomZone) separator(inParentheses bool) string {
	if inParentheses && z.IntN(2) == 0 {
		return z.pick("", " ", "; comment ) \"") + z.eol + z.pick("", "\t")
	}
	return z.pick(" ", "\t", "  ")
}

// generate writes a directive for some addresses in a row, if they have no records yet.
func (z *randomZone) generate() {
	start, step, count := z.IntN(100), 1+z.IntN(3), 1+z.IntN(5)
	third, offset := z.IntN(4), z.IntN(20)
	width, base := z.IntN(4)*2+1, z.pick("d", "o", "x", "X", "n", "N")
	owner := fmt.Sprintf("${%d}.%d.%s", offset, third, z.apex)
	address := func(number int) netip.Addr {
		return netip.AddrFrom4([4]byte{192, 0, byte(third), byte(number)})
	}
	if strings.HasSuffix(z.apex, "ip6.arpa.") {
		owner = fmt.Sprintf("${%d,45,%s}.%d.%s", offset, z.pick("n", "N"), third, z.apex)
		address = func(number int) netip.Addr {
			return netip.MustParseAddr(fmt.Sprintf("2001:db8:%d000::%x", third, number))
		}
	}
	generated := make(map[netip.Addr]string)
	for i := range count {
		number := start + i*step
		generated[address(number+offset)] = strings.ToLower("g" + expandWithFmt(number+7, width, base[0]) + ".example")
		if _, ok := z.want[address(number+offset)]; ok {
			return
		}
	}
	maps.Copy(z.want, generated)
	z.line(fmt.Sprintf("%s %d-%d/%d %s%sPTR g${7,%d,%s}.example.", z.pick("$GENERATE", "$generate"), start, start+(count-1)*step+z.IntN(step), step, owner, z.pick(" ", "\t60 ", " IN ", " 1h IN "), width, base))
}

// child writes a record by way of an alias (RFC 2317).
func (z *randomZone) child() {
	address, owner := z.address()
	label, _, _ := strings.Cut(owner, ".")
	target := fmt.Sprintf("%s.%s.%s", label, z.pick("0/26", "customer", "64-127"), owner)
	name := fmt.Sprintf("c%d.example", z.IntN(1000))
	z.want[address] = name
	z.record(owner, z.pick("CNAME", "cname"), z.name(target))
	z.record(target, "PTR", z.name(name+"."))
}

// wireName returns a name as on the wire, in hexadecimal.
func wireName(name string) string {
	var wire []byte
	for label := range strings.SplitSeq(name, ".") {
		wire = append(append(wire, byte(len(label))), label...)
	}
	return hex.EncodeToString(append(wire, 0))
}

// What is read of a zone is what it says, however it is written.
func TestRandomZones(t *testing.T) {
	t.Parallel()
	for seed := range uint64(1000) {
		zone := newRandomZone(seed)
		set, err := read(zone.text.String(), Options{})
		if err != nil {
			t.Fatalf("zone %d: Read = %v\n%s", seed, err, zone.text.String())
		}
		if got := set.Records[""]; !maps.Equal(got, zone.want) && len(zone.want) > 0 || len(set.Notes) > 0 {
			t.Fatalf("zone %d: Read = %v, notes %q\nwant %v\n%s", seed, got, set.Notes, zone.want, zone.text.String())
		}
	}
}

// A process for each zone takes seconds for a thousand of them.
var zones = flag.Uint64("zones", 50, "compare `N` random zones with named-compilezone")

// BIND reads the same zones alike.
func TestNamedCompilezone(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("named-compilezone")
	if err != nil {
		t.Skip("needs named-compilezone, which is in bind9-utils:", err)
	}
	directory := t.TempDir()
	for seed := range *zones {
		zone := newRandomZone(seed)
		file := filepath.Join(directory, "zone")
		if err := os.WriteFile(file, []byte(zone.text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		dump, err := exec.Command(program, "-q", "-i", "none", "-k", "ignore", "-n", "ignore", "-r", "ignore", "-s", "full", "-o", "-", strings.TrimSuffix(zone.apex, "."), file).Output()
		if err != nil {
			t.Fatalf("zone %d: named-compilezone = %v\n%s", seed, err, zone.text.String())
		}
		set, err := read(zone.text.String(), Options{})
		if err != nil {
			t.Fatalf("zone %d: Read = %v\n%s", seed, err, zone.text.String())
		}
		if want := recordsOfDump(dump); !maps.Equal(set.Records[""], want) {
			t.Fatalf("zone %d: Read = %v, BIND says %v\n%s", seed, set.Records[""], want, zone.text.String())
		}
	}
}

// recordsOfDump returns the PTR records of addresses in a zone as BIND writes it: a record
// in a line, with full names.
func recordsOfDump(dump []byte) map[netip.Addr]string {
	byOwner, aliases := make(map[string]string), make(map[string]string)
	for line := range bytes.Lines(dump) {
		fields := strings.Fields(strings.ToLower(string(line)))
		if len(fields) == 5 && fields[3] == "ptr" {
			byOwner[fields[0]] = strings.TrimSuffix(fields[4], ".")
		}
		if len(fields) == 5 && fields[3] == "cname" {
			aliases[fields[0]] = fields[4]
		}
	}
	for owner, target := range aliases {
		byOwner[owner] = byOwner[target]
	}
	records := make(map[netip.Addr]string)
	for owner, name := range byOwner {
		labels := strings.Split(owner, ".")
		switch {
		case len(labels) == 7 && strings.HasSuffix(owner, ".in-addr.arpa."):
			records[netip.MustParseAddr(fmt.Sprintf("%s.%s.%s.%s", labels[3], labels[2], labels[1], labels[0]))] = name
		case len(labels) == 35 && strings.HasSuffix(owner, ".ip6.arpa."):
			var address [16]byte
			for i := range 32 {
				var digit byte
				_, _ = fmt.Sscanf(labels[31-i], "%x", &digit)
				address[i/2] = address[i/2]<<4 | digit
			}
			records[netip.AddrFrom16(address)] = name
		}
	}
	return records
}
