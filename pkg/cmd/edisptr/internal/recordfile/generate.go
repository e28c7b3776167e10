package recordfile

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

// Limits of a $GENERATE directive, which expands a small file to many records.
const (
	maxGenerated     = 65536
	maxGenerateField = 1000 // bytes of a field, before it is expanded
	maxGenerateWidth = 255
)

// generate expands a $GENERATE directive: RANGE OWNER [TTL] [CLASS] TYPE DATA.
func (r *zoneReader) generate(at position, fields []string) {
	owner, rest := fields[1], fields[2:]
	field, _ := splitRecord(rest)
	switch recordType, known := typeOf(field); {
	case !known:
		r.unknownType(at, owner, field)
		return
	case !slices.Contains([]uint16{dns.TypePTR, dns.TypeCNAME, dns.TypeNS, dns.TypeDNAME}, recordType):
		return
	}
	bounds, err := parseGenerateRange(fields[0])
	if err != nil {
		r.failKey(at, "$GENERATE", fields[0], err.Error())
		return
	}
	record, err := parseTemplate(strings.Join(fields[1:], " "))
	if err != nil {
		r.failKey(at, "$GENERATE", strings.Join(fields, " "), err.Error())
		return
	}
	r.expand(at, bounds, record)
}

// expand reads the records of a $GENERATE directive until one has an error: the others
// would most likely have the same.
func (r *zoneReader) expand(at position, bounds generateRange, record template) {
	errorsBefore := len(r.errors.errs)
	for number := bounds.start; number <= bounds.stop && len(r.errors.errs) == errorsBefore && r.noOrigin.line == 0; number += bounds.step {
		text, err := record.expand(number)
		if err != nil {
			r.failKey(at, "$GENERATE", strconv.Itoa(number), err.Error())
			return
		}
		fields := strings.Split(text, " ")
		r.record(at, r.complete(fields[0]), fields[1:])
	}
}

// generateRange is the range of a $GENERATE directive: START-STOP or START-STOP/STEP.
type generateRange struct{ start, stop, step int }

func parseGenerateRange(text string) (generateRange, error) {
	bounds, stepText, hasStep := strings.Cut(text, "/")
	startText, stopText, ok := strings.Cut(bounds, "-")
	if !hasStep {
		stepText = "1"
	}
	start, err1 := strconv.ParseInt(startText, 10, 32)
	stop, err2 := strconv.ParseInt(stopText, 10, 32)
	step, err3 := strconv.ParseInt(stepText, 10, 32)
	r := generateRange{int(start), int(stop), int(step)}
	switch {
	case !ok || errors.Join(err1, err2, err3) != nil || r.start < 0 || r.stop < r.start || r.step < 1:
		return r, errors.New("not a range; use START-STOP or START-STOP/STEP, such as 1-254")
	case (r.stop-r.start)/r.step >= maxGenerated:
		return r, fmt.Errorf("range of more than %d records; split it", maxGenerated)
	}
	return r, nil
}

// template is a field of a $GENERATE directive, split at its iterators.
type template struct {
	literals  []string // one more than iterators
	iterators []iterator
}

// iterator prints the number of a record, as ${OFFSET,WIDTH,BASE} asks for.
type iterator struct {
	offset, width int
	base          byte // d, o, x, X, n or N
}

// parseTemplate parses a field as BIND does (Administrator Reference Manual, "BIND Primary
// File Extension: the $GENERATE Directive").
func parseTemplate(field string) (t template, err error) {
	if len(field) > maxGenerateField {
		return t, fmt.Errorf("longer than %d bytes", maxGenerateField)
	}
	var literal strings.Builder
	for rest := field; rest != ""; {
		switch {
		case rest[0] == '\\' && len(rest) > 1: // an escape, which may be of $
			literal.WriteString(rest[:2])
			rest = rest[2:]
		case strings.HasPrefix(rest, "$$"):
			literal.WriteByte('$')
			rest = rest[2:]
		case rest[0] == '$':
			var it iterator
			if it, rest, err = t.nextIterator(rest[1:]); err != nil {
				return t, err
			}
			t.literals, t.iterators = append(t.literals, literal.String()), append(t.iterators, it)
			literal.Reset()
		default:
			literal.WriteByte(rest[0])
			rest = rest[1:]
		}
	}
	t.literals = append(t.literals, literal.String())
	return t, nil
}

// nextIterator parses what follows a dollar sign, and returns the rest.
func (t template) nextIterator(text string) (it iterator, rest string, err error) {
	if modifiers, ok := strings.CutPrefix(text, "{"); ok {
		modifiers, rest, ok = strings.Cut(modifiers, "}")
		if it, valid := parseModifiers(modifiers); ok && valid {
			return it, rest, nil
		}
		return it, "", errors.New("not an iterator; use ${OFFSET}, ${OFFSET,WIDTH} or ${OFFSET,WIDTH,BASE} with one of the bases d, o, x, X, n and N")
	}
	if n := len(t.iterators); n > 0 && t.iterators[n-1].offset != 0 {
		// BIND adds the offset before, which it does not document, and other servers do not.
		return it, "", errors.New("$ after ${OFFSET} is not the same number for all name servers; use ${0}")
	}
	return iterator{base: 'd'}, text, nil
}

// parseModifiers parses OFFSET[,WIDTH[,BASE]].
func parseModifiers(text string) (it iterator, ok bool) {
	offsetText, text, hasWidth := strings.Cut(text, ",")
	widthText, base, hasBase := strings.Cut(text, ",")
	if !hasWidth {
		widthText = "0"
	}
	if !hasBase {
		base = "d"
	}
	offset, offsetErr := strconv.ParseInt(offsetText, 10, 32)
	width, widthErr := strconv.ParseUint(widthText, 10, 32)
	if offsetErr != nil || widthErr != nil || width > maxGenerateWidth || len(base) != 1 || !strings.Contains("doxXnN", base) {
		return it, false
	}
	return iterator{int(offset), int(width), base[0]}, true
}

// expand returns the field of the record with a number.
func (t template) expand(number int) (string, error) {
	var field strings.Builder
	for i, it := range t.iterators {
		if number+it.offset < 0 {
			return "", fmt.Errorf("%d with offset %d is negative", number, it.offset)
		}
		field.WriteString(t.literals[i])
		field.WriteString(it.format(number + it.offset))
	}
	field.WriteString(t.literals[len(t.iterators)])
	return field.String(), nil
}

func (it iterator) format(number int) string {
	switch it.base {
	case 'n', 'N':
		return it.nibbles(number)
	case 'o':
		return fmt.Sprintf("%0*o", it.width, number)
	case 'x':
		return fmt.Sprintf("%0*x", it.width, number)
	case 'X':
		return fmt.Sprintf("%0*X", it.width, number)
	default:
		return fmt.Sprintf("%0*d", it.width, number)
	}
}

// nibbles returns the hexadecimal digits from the last one to the first, with dots
// between them, as in ip6.arpa. The width counts the dots. As in BIND, an even width ends
// in a dot.
func (it iterator) nibbles(number int) string {
	digits := "0123456789abcdef"
	if it.base == 'N' {
		digits = strings.ToUpper(digits)
	}
	var text []byte
	for number != 0 || len(text) < max(it.width, 1) {
		if text = append(text, digits[number&15]); number > 15 || len(text) < it.width {
			text = append(text, '.')
		}
		number >>= 4
	}
	return string(text)
}
