package cgo

import (
	"testing"

	"calls/inputs"
)

func BenchmarkShort(b *testing.B) {
	validator := open(b)
	b.ReportAllocs()
	for b.Loop() {
		if decision, err := validator.Check(inputs.Short); err != nil || decision != `{"decision":"Allowed"}` {
			b.Fatal(decision, err)
		}
	}
}

func BenchmarkBatch(b *testing.B) {
	validator, many := open(b), inputs.Many()
	b.ReportAllocs()
	for b.Loop() {
		if decisions, err := validator.CheckBatch(many); err != nil || len(decisions) != len(many) {
			b.Fatal(decisions, err)
		}
	}
}

func open(b *testing.B) *Validator {
	validator, err := New()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(validator.Close)
	return validator
}
