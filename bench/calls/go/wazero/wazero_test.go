package wazero

import (
	"context"
	"testing"

	"calls/inputs"
	emailvalidator "example.org/ferrule/email-validator"
)

func BenchmarkShort(b *testing.B) {
	validator, ctx := open(b), context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if decision, err := validator.Check(ctx, inputs.Short); err != nil || !decision.Allowed() {
			b.Fatal(decision, err)
		}
	}
}

func BenchmarkBatch(b *testing.B) {
	validator, many, ctx := open(b), inputs.Many(), context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if decisions, err := validator.CheckBatch(ctx, many); err != nil || len(decisions) != len(many) {
			b.Fatal(decisions, err)
		}
	}
}

func open(b *testing.B) emailvalidator.Validator {
	validator, err := emailvalidator.OpenWasm(emailvalidator.Options{
		RequireTopLevelDomain: true,
		BlockedEmails:         []emailvalidator.EmailType{emailvalidator.Invalid},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { validator.Close() })
	return validator
}
