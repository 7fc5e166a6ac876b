package emailvalidator

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestEveryDecisionReadsBackAsItself(t *testing.T) {
	for blocked := range texts {
		decision := Decision{uint8(blocked)}
		read, known := decisionOf([]byte(decision.JSON()))
		if !known || read != decision || decision.Allowed() != (blocked == 0) {
			t.Errorf("%s was read as %s", decision, read)
		}
		var told struct {
			Decision string
			Blocked  []EmailType
		}
		if err := json.Unmarshal([]byte(decision.JSON()), &told); err != nil || !slices.Equal(told.Blocked, decision.Blocked()) {
			t.Errorf("%s: %v", decision, err)
		}
		if (told.Decision == "Allowed") != decision.Allowed() {
			t.Errorf("%s says %s", decision, told.Decision)
		}
	}
}

func TestDecisionAsJSONInsideOfOthers(t *testing.T) {
	text, err := json.Marshal(map[string]Decision{"a": {1}})
	if err != nil || string(text) != `{"a":{"decision":"Denied","blocked":["FREE"]}}` {
		t.Error(string(text), err)
	}
}

func TestArraysOfDecisions(t *testing.T) {
	for count := range 4 {
		want := []Decision{{}, {16}, {3}}[:min(count, 3)]
		parts := make([]string, len(want))
		for at, decision := range want {
			parts[at] = decision.JSON()
		}
		text := "[" + strings.Join(parts, ",") + "]"
		got, known := decisionsOf([]byte(text), len(want))
		if !known || !slices.Equal(got, want) {
			t.Errorf("%s was read as %v", text, got)
		}
	}
}

func TestWhatIsNoDecisionIsRefused(t *testing.T) {
	for _, text := range []string{"", "{}", `{"decision":"Denied","blocked":[]}`, `{"decision":"allowed"}`, allowed + " "} {
		if decision, known := decisionOf([]byte(text)); known {
			t.Errorf("%q was read as %s", text, decision)
		}
	}
	for _, text := range []string{
		"", "[", "[]", "[" + allowed + "]", "[" + allowed + allowed + "]", "[" + allowed + ",,]", "[" + allowed + "," + allowed,
		"[" + allowed + "," + allowed + "," + allowed + "]", "[" + allowed + ",{}]", "[x,y]",
	} {
		if decisions, known := decisionsOf([]byte(text), 2); known {
			t.Errorf("%q was read as %v", text, decisions)
		}
	}
}

func TestEveryCodeHasItsWords(t *testing.T) {
	seen := map[string]bool{}
	for code := ErrLibrary; code <= ErrInternal; code++ {
		if seen[code.Error()] || code.Error() == "" {
			t.Errorf("code %d says %q", code, code.Error())
		}
		seen[code.Error()] = true
	}
	if Code(200).Error() != "code 200" || Code(0).Error() != "code 0" {
		t.Error(Code(200), Code(0))
	}
}
