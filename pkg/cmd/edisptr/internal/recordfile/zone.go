package recordfile

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/miekg/dns"
)

// zoneReader reads a zone file. It parses only the records that matter: PTR and CNAME.
type zoneReader struct {
	*collector
	origin   string // absolute, or empty if not known
	owner    string // of the record before; relative if there was no origin
	apexes   []string
	origins  []string
	noOrigin position // of the first name that needs an origin; the line is 0 if none does
	relative string   // that name
}

// readZone reads a zone file.
func (c *collector) readZone(content string) {
	r := &zoneReader{collector: c}
	if c.options.Origin != "" && !r.setOrigin(c.at(0, 0), dns.Fqdn(c.options.Origin)) {
		return
	}
	scanner := zoneScanner{content: content, line: 1}
	for e, ok := scanner.entry(); ok && !c.errors.stopped; e, ok = scanner.entry() {
		r.read(e)
	}
	if scanner.problem != "" {
		c.fail(c.at(scanner.line, 0), "", scanner.problem)
	}
	r.reportNoOrigin()
	r.addZones()
}

// read reads an entry.
func (r *zoneReader) read(e entry) {
	at := r.at(e.line, 0)
	if strings.HasPrefix(e.fields[0], "$") {
		r.directive(at, e.fields)
		return
	}
	if e.inherits {
		if r.owner == "" {
			r.fail(at, e.fields[0], "record without an owner: its line begins with a space, and no record is before it")
			return
		}
		r.record(at, r.owner, e.fields)
		return
	}
	r.owner = r.complete(e.fields[0])
	r.record(at, r.owner, e.fields[1:])
}

// complete returns an absolute name, or the name as it is if there is no origin: an origin
// that comes later must not complete it.
func (r *zoneReader) complete(name string) string {
	if absolute, ok := r.absolute(name); ok {
		return absolute
	}
	return name
}

func (r *zoneReader) directive(at position, fields []string) {
	line := strings.Join(fields, " ")
	switch name := strings.ToUpper(fields[0]); {
	case name == "$TTL":
		if _, err := parseLine(line, ""); err != nil {
			r.fail(at, line, err.Error())
		}
	case name == "$DATE": // BIND writes it
	case name == "$ORIGIN" && len(fields) == 2:
		if absolute, ok := r.absolute(fields[1]); ok {
			r.setOrigin(at, absolute)
		} else {
			r.needOrigin(at, fields[1])
		}
	case name == "$GENERATE" && len(fields) > 3:
		r.generate(at, fields[1:])
	case name == "$INCLUDE":
		r.fail(at, line, "other files are not included; give them as further files")
	default:
		r.fail(at, line, "not a directive of zone files")
	}
}

func (r *zoneReader) setOrigin(at position, name string) bool {
	origin, ok := normalName(name)
	if _, valid := dns.IsDomainName(origin); !ok || !valid {
		r.fail(at, name, "not a domain name; an origin is a name such as 2.0.192.in-addr.arpa.")
		return false
	}
	r.origin = origin
	r.origins = append(r.origins, origin)
	return true
}

// absolute returns a name with its trailing dot, or false if it is relative and there is no
// origin.
func (r *zoneReader) absolute(name string) (string, bool) {
	switch {
	case dns.IsFqdn(name):
		return name, true
	case r.origin == "":
		return "", false
	case name == "@":
		return r.origin, true
	default:
		return name + "." + strings.TrimPrefix(r.origin, "."), true
	}
}

// record reads a record: what follows its owner, which has been completed.
func (r *zoneReader) record(at position, owner string, fields []string) {
	field, class := splitRecord(fields)
	recordType, known := typeOf(field)
	switch {
	case strings.HasPrefix(owner, "#"):
		r.fail(at, owner, "comments of zone files begin with a semicolon")
	case recordType == dns.TypePTR && class != dns.ClassINET:
		r.note(noteClass, at, owner)
	case recordType == dns.TypePTR, recordType == dns.TypeCNAME:
		r.parse(at, owner, fields)
	case recordType == dns.TypeSOA, recordType == dns.TypeNS, recordType == dns.TypeDNAME:
		r.boundary(owner, recordType)
	case !known:
		r.unknownType(at, owner, field)
	}
}

// splitRecord returns the type of a record, which follows its TTL and class in any order,
// and its class.
func splitRecord(fields []string) (recordType string, class uint16) {
	class = dns.ClassINET
	for i, field := range fields {
		upper := strings.ToUpper(field)
		known, isClass := dns.StringToClass[upper]
		if number, ok := genericNumber(upper, "CLASS"); ok {
			known, isClass = number, true
		}
		switch {
		case i < 2 && isClass:
			class = known
		case i < 2 && field[0] >= '0' && field[0] <= '9': // a TTL
		default:
			return field, class
		}
	}
	return "", class
}

// typeOf returns the record type that a field names, and whether it is one.
func typeOf(field string) (recordType uint16, known bool) {
	upper := strings.ToUpper(field)
	if recordType, known = dns.StringToType[upper]; known {
		return recordType, true
	}
	return genericNumber(upper, "TYPE")
}

// genericNumber returns the number of a type or class that has no name (RFC 3597, section
// 5).
func genericNumber(field, prefix string) (number uint16, ok bool) {
	text, ok := strings.CutPrefix(field, prefix)
	if !ok {
		return 0, false
	}
	parsed, err := strconv.ParseUint(text, 10, 16)
	return uint16(parsed), err == nil
}

// unknownType skips a record, unless it is likely that it should be a PTR record.
func (r *zoneReader) unknownType(at position, owner, field string) {
	switch {
	case field == "":
		r.fail(at, owner, "record without a type; a PTR record is such as 10 IN PTR mail.example.com.")
	case strings.Trim(strings.ToUpper(field), "PTR") == "" || '0' <= field[0] && field[0] <= '9' || strings.ContainsFunc(field, isNotOfTypeName):
		r.failKey(at, owner, field, "not a record type; use PTR")
	default:
		r.note(noteUnknownType, at, owner+" "+field)
		if dns.IsFqdn(owner) {
			r.zones.cut(owner)
		}
	}
}

func isNotOfTypeName(char rune) bool {
	return char != '-' && char != '_' && (char > unicode.MaxASCII || !unicode.IsLetter(char) && !unicode.IsDigit(char))
}

// boundary notes where a zone begins, or where it delegates names.
func (r *zoneReader) boundary(owner string, recordType uint16) {
	switch {
	case !r.fits() || !dns.IsFqdn(owner):
	case recordType == dns.TypeSOA:
		r.apexes = append(r.apexes, owner)
	default:
		r.zones.cut(owner)
	}
}

// parse parses a PTR or CNAME record.
func (r *zoneReader) parse(at position, owner string, fields []string) {
	if !r.fits() {
		return
	}
	last := fields[len(fields)-1]
	if !dns.IsFqdn(owner) {
		r.needOrigin(at, owner)
		return
	}
	if _, ok := r.absolute(last); !ok && !strings.Contains(strings.Join(fields, " "), `\#`) {
		r.needOrigin(at, last)
		return
	}
	parsed, err := parseRecord(owner, fields, r.origin)
	if err != nil {
		r.failKey(at, owner, strings.Join(fields, " "), err.Error())
		return
	}
	r.addParsed(at, parsed)
}

// needOrigin notes that a name is relative to an origin that is not known.
func (r *zoneReader) needOrigin(at position, name string) {
	if r.noOrigin.line == 0 {
		r.noOrigin, r.relative = at, name
	}
}

// reportNoOrigin adds one error for all names that need an origin.
func (r *zoneReader) reportNoOrigin() {
	if r.noOrigin.line == 0 {
		return
	}
	zone := "such as 2.0.192.in-addr.arpa."
	if len(r.apexes) > 0 {
		zone = "probably " + r.apexes[0]
	}
	r.fail(r.noOrigin, r.relative, "relative name, but no $ORIGIN before it; give the name of the zone with --origin ("+zone+"), or end the name with a dot if it is complete")
}

// parseRecord parses a record, given its owner and the fields after it.
func parseRecord(owner string, fields []string, origin string) (dns.RR, error) {
	record, err := parseLine(owner+" "+strings.Join(fields, " "), origin)
	if err == nil && record == nil {
		err = errors.New("not a record")
	}
	return record, err
}

// parseLine parses a line of a zone file. The record is nil if it is a directive.
func parseLine(text, origin string) (dns.RR, error) {
	if strings.Contains(text, `"`) {
		return nil, errors.New("quotation marks, which domain names do not have")
	}
	parser := dns.NewZoneParser(strings.NewReader(text+"\n"), origin, "")
	parser.SetDefaultTTL(0)
	record, _ := parser.Next()
	if err := parser.Err(); err != nil {
		reason, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), "dns: "), " at line: ")
		return nil, fmt.Errorf("not valid in a zone file: %s", reason)
	}
	return record, nil
}

// addParsed adds a PTR or CNAME record.
func (r *zoneReader) addParsed(at position, parsed dns.RR) {
	target := ""
	switch record := parsed.(type) {
	case *dns.PTR:
		target = record.Ptr
	case *dns.CNAME:
		target = record.Target
	}
	owner := parsed.Header().Name
	normalOwner, ok1 := normalName(owner)
	normalTarget, ok2 := normalName(target)
	switch {
	case target == "": // the parser accepts it, as in a dynamic update
		r.fail(at, owner, "record has no host name")
	case !ok1 || !ok2:
		r.failKey(at, owner, target, "not a valid domain name")
	case parsed.Header().Rrtype == dns.TypeCNAME:
		r.addAlias(at, normalOwner, normalTarget)
	default:
		r.addPTR(at, normalOwner, normalTarget)
	}
}

// addPTR adds a PTR record. A host name in a reverse zone is most likely a name without its
// trailing dot, completed with the origin.
func (r *zoneReader) addPTR(at position, owner, target string) {
	address, ok := addressOf(owner)
	switch {
	case isReverse(target):
		r.failKey(at, owner, target, "host name in a reverse zone; is its trailing dot missing?")
	case ok:
		r.add(at, "", address, target)
	case hasReverseInside(owner):
		r.fail(at, owner, "reverse name below a reverse zone; is the trailing dot of the owner or of $ORIGIN missing?")
	case r.ownerIsAddress(owner):
		r.fail(at, owner, "the owner is an IP address; use its reverse name, such as 10.2.0.192.in-addr.arpa.")
	default:
		pending := pendingPTR{owner, target, at}
		r.wait(pending)
		r.zones.pending = append(r.zones.pending, pending)
	}
}

// hasReverseInside reports whether a reverse name was completed with an origin.
func hasReverseInside(owner string) bool {
	for _, zone := range []string{"." + reverseIPv4, "." + reverseIPv6} {
		if inside, _, found := strings.Cut(owner, zone); found && len(inside)+len(zone) < len(owner) {
			return true
		}
	}
	return false
}

// ownerIsAddress reports whether an owner is an address where its reverse name should be,
// perhaps completed with the origin.
func (r *zoneReader) ownerIsAddress(owner string) bool {
	if r.origin != "." {
		owner = strings.TrimSuffix(owner, "."+r.origin)
	}
	return isAddress(strings.TrimSuffix(owner, "."))
}

// addZones adds the zones that the file covers: those of its SOA records, or else its
// origins.
func (r *zoneReader) addZones() {
	names := r.apexes
	if len(names) == 0 {
		names = r.origins
	}
	for _, name := range names {
		r.zones.cover(name)
	}
}
