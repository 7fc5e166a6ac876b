package emailvalidator

import (
	"bytes"
	"strings"
)

// types are all there are; their places are the bits of a Decision.
var types = [...]EmailType{Free, Disposable, NoMXRecords, NoGravatar, Invalid}

// Decision is the answer about one address. Decisions can be compared by ==; the zero value is "allowed".
type Decision struct {
	blocked uint8
}

// Allowed says whether the address is well formed and of none of the blocked types.
func (d Decision) Allowed() bool {
	return d.blocked == 0
}

// Blocked says why the address is refused: each type once, in the order of the constants; nil if it is allowed.
func (d Decision) Blocked() []EmailType {
	var blocked []EmailType
	for bit, name := range types {
		if d.blocked&(1<<bit) != 0 {
			blocked = append(blocked, name)
		}
	}
	return blocked
}

// JSON gives the library's own text, the same bytes in every language: {"decision":"Allowed"} or
// {"decision":"Denied","blocked":["FREE"]}.
func (d Decision) JSON() string {
	return texts[d.blocked]
}

// String gives the same as JSON.
func (d Decision) String() string {
	return d.JSON()
}

// MarshalJSON gives the same as JSON.
func (d Decision) MarshalJSON() ([]byte, error) {
	return []byte(d.JSON()), nil
}

const (
	allowed = `{"decision":"Allowed"}`
	denied  = `{"decision":"Denied","blocked":["`
)

// texts and byText are all decisions that there can be, so that reading one is looking it up.
var texts, byText = everyDecision()

func everyDecision() (texts [1 << len(types)]string, byText map[string]uint8) {
	byText = make(map[string]uint8, len(texts))
	for blocked := range texts {
		names := make([]string, 0, len(types))
		for _, name := range (Decision{uint8(blocked)}).Blocked() {
			names = append(names, string(name))
		}
		texts[blocked] = denied + strings.Join(names, `","`) + `"]}`
		if blocked == 0 {
			texts[blocked] = allowed
		}
		byText[texts[blocked]] = uint8(blocked)
	}
	return texts, byText
}

// decisionOf reads one decision; false means that no library of this interface writes such a text.
func decisionOf(text []byte) (Decision, bool) {
	if string(text) == allowed {
		return Decision{}, true
	}
	blocked, known := byText[string(text)]
	return Decision{blocked}, known
}

// decisionsOf reads an array of as many decisions as it is told.
func decisionsOf(text []byte, count int) ([]Decision, bool) {
	if len(text) < 2 || text[0] != '[' || text[len(text)-1] != ']' {
		return nil, false
	}
	decisions, rest := make([]Decision, count), text[1:len(text)-1]
	for at := range decisions {
		end := len(allowed)
		if len(rest) < end || string(rest[:end]) != allowed {
			if end = bytes.IndexByte(rest, '}') + 1; end == 0 {
				return nil, false
			}
		}
		decision, known := decisionOf(rest[:end])
		if !known {
			return nil, false
		}
		decisions[at], rest = decision, rest[end:]
		if at < count-1 {
			if len(rest) == 0 || rest[0] != ',' {
				return nil, false
			}
			rest = rest[1:]
		}
	}
	return decisions, len(rest) == 0
}
