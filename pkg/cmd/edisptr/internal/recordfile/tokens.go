package recordfile

// A token is a part of a YAML or JSON document.
type token struct {
	kind tokenKind
	text string // of a scalar; the reason if invalid
	at   position
}

type tokenKind int

const (
	documentEnd tokenKind = iota
	objectStart
	objectEnd
	listStart
	listEnd
	scalar      // text
	null        // written out
	missing     // no value at all, as after "key:" in YAML
	otherScalar // a number, boolean or date
	invalid     // not supported, such as an alias in YAML
)

// A tokenizer returns the tokens of a document one by one. The document is known to be
// valid.
type tokenizer interface{ next() token }
