// Package module calls the Go module that a release holds, by one of its roads.
package module

import (
	"context"
	"flag"
	"fmt"
	"testing"

	"calls/inputs"
	emailvalidator "example.org/ferrule/email-validator"
)

var road = flag.String("road", "", "native or wasm")

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
	validator, err := opened(emailvalidator.Options{
		RequireTopLevelDomain: true,
		BlockedEmails:         []emailvalidator.EmailType{emailvalidator.Invalid},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { validator.Close() })
	return validator
}

func opened(options emailvalidator.Options) (emailvalidator.Validator, error) {
	switch *road {
	case "native":
		return emailvalidator.OpenNative(options)
	case "wasm":
		return emailvalidator.OpenWasm(options)
	}
	return nil, fmt.Errorf("%q is no road", *road)
}
