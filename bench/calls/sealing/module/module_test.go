// Package module calls the Go module of sealed-box that a release holds.
package module

import (
	"testing"

	sealedbox "example.org/ferrule/sealed-box"
	"sealing/inputs"
)

func BenchmarkSeal(b *testing.B)  { seal(b, inputs.Short) }
func BenchmarkLarge(b *testing.B) { seal(b, inputs.Large) }

func seal(b *testing.B, message []byte) {
	box, key := open(b, sealedbox.XChaCha20Poly1305)
	b.ReportAllocs()
	for b.Loop() {
		if sealed, err := box.Seal(key, message, inputs.Associated); err != nil || len(sealed) <= len(message) {
			b.Fatal(sealed, err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	box, key := open(b, sealedbox.XChaCha20Poly1305)
	sealed, err := box.Seal(key, inputs.Short, inputs.Associated)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if message, err := box.Open(key, sealed, inputs.Associated); err != nil || len(message) != len(inputs.Short) {
			b.Fatal(message, err)
		}
	}
}

func BenchmarkHash(b *testing.B) {
	box, key := open(b, sealedbox.HMACSHA256)
	b.ReportAllocs()
	for b.Loop() {
		if tag, err := box.Hash(key, inputs.Short); err != nil || len(tag) != 32 {
			b.Fatal(tag, err)
		}
	}
}

func open(b *testing.B, algorithm sealedbox.Algorithm) (*sealedbox.Box, *sealedbox.Key) {
	box, err := sealedbox.Open(sealedbox.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { box.Close() })
	key, err := box.Generate(algorithm, 1)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { key.Close() })
	return box, key
}
