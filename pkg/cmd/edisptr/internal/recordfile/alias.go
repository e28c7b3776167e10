package recordfile

import (
	"fmt"
	"strings"
)

// zoneData is what is known of all zone files. Only together do they tell which addresses
// the records of RFC 2317 zones have.
type zoneData struct {
	coverage
	pending []pendingPTR
	aliases []alias
	targets map[string]alias // the aliases by owner
}

// A pendingPTR is a PTR record whose owner is not the reverse name of an address.
type pendingPTR struct {
	owner, target string
	at            position
}

// An alias is a CNAME record.
type alias struct {
	owner, target string
	at            position
}

func newZoneData() zoneData {
	return zoneData{coverage: coverage{zones: make(map[string]bool), cuts: make(map[string]bool)}, targets: make(map[string]alias)}
}

// cover notes that a zone is covered.
func (z *zoneData) cover(name string) {
	normal, ok := normalName(name)
	if !ok || !isReverse(normal) {
		return
	}
	z.zones[normal] = true
	if c, ok := parseChild(normal); ok {
		z.children = append(z.children, c)
	}
}

// cut notes that a name and those below it are not covered, unless a zone begins there.
func (z *zoneData) cut(name string) {
	if normal, ok := normalName(name); ok {
		z.cuts[normal] = true
	}
}

// addAlias adds a CNAME record.
func (r *zoneReader) addAlias(at position, owner, target string) {
	if before, ok := r.zones.targets[owner]; ok {
		if before.target != target {
			r.failKey(at, owner, target, fmt.Sprintf("differs from %s in %s; a name has only one CNAME record, so keep one of them", before.target, r.place(before.at)))
		}
		return
	}
	added := alias{owner, target, at}
	r.wait(pendingPTR{owner, target, at})
	r.zones.aliases = append(r.zones.aliases, added)
	r.zones.targets[owner] = added
}

// wait notes that a record may be one of an address.
func (c *collector) wait(p pendingPTR) {
	if file := &c.files[p.at.file]; file.waiting.owner == "" {
		file.waiting = p
	}
}

// resolveZones adds the PTR records that addresses have by aliases, and those of RFC 2317
// zones whose names tell the address.
func (c *collector) resolveZones() {
	owners := make(map[string][]int) // of pending records
	for i, p := range c.zones.pending {
		owners[p.owner] = append(owners[p.owner], i)
	}
	resolved := make([]bool, len(c.zones.pending))
	aliasedZones := make(map[string]bool)
	for _, a := range c.zones.aliases {
		_, zone, _ := strings.Cut(a.target, ".")
		aliasedZones[zone] = true
		c.resolveAlias(a, owners, resolved)
	}
	for i, p := range c.zones.pending {
		if !resolved[i] {
			_, zone, _ := strings.Cut(p.owner, ".")
			c.resolveByName(p, aliasedZones[zone])
		}
	}
}

// maxAliases is how many aliases of aliases are followed, as resolvers do.
const maxAliases = 8

// resolveAlias adds the pending records that an alias of an address leads to.
func (c *collector) resolveAlias(a alias, owners map[string][]int, resolved []bool) {
	address, ok := addressOf(a.owner)
	if !ok {
		return
	}
	target := a.target
	for range maxAliases {
		if len(owners[target]) > 0 {
			break
		}
		target = c.zones.targets[target].target
	}
	for _, i := range owners[target] {
		p := c.zones.pending[i]
		resolved[i] = true
		c.files[a.at.file].found = true
		c.add(p.at, "", address, p.target)
	}
	if len(owners[target]) == 0 && !c.zones.containsName(a.target) {
		c.zones.cut(a.owner) // another name server has the record
		c.note(noteNoTarget, a.at, address.String())
	}
}

// resolveByName adds a pending record if its name tells the address, and skips it if it has
// none.
func (c *collector) resolveByName(p pendingPTR, isAliasedZone bool) {
	address, ok := childAddress(p.owner)
	switch {
	case isAliasedZone || !ok && !isChildName(p.owner):
		c.note(noteNotAnAddress, p.at, p.owner)
	case ok:
		c.note(noteInferred, p.at, address.String())
		c.add(p.at, "", address, p.target)
	default:
		c.fail(p.at, p.owner, "name of an RFC 2317 zone that does not tell the address; give the file with the parent zone too, for its CNAME records")
	}
}
