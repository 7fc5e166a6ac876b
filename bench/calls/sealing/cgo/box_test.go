package cgo

import (
	"testing"

	"sealing/inputs"
)

func BenchmarkSeal(b *testing.B)  { seal(b, inputs.Short) }
func BenchmarkLarge(b *testing.B) { seal(b, inputs.Large) }

func seal(b *testing.B, message []byte) {
	box := open(b, XChaCha20Poly1305)
	b.ReportAllocs()
	for b.Loop() {
		if sealed, err := box.Seal(message, inputs.Associated); err != nil || len(sealed) <= len(message) {
			b.Fatal(sealed, err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	box := open(b, XChaCha20Poly1305)
	sealed, err := box.Seal(inputs.Short, inputs.Associated)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if message, err := box.Open(sealed, inputs.Associated); err != nil || len(message) != len(inputs.Short) {
			b.Fatal(message, err)
		}
	}
}

func BenchmarkHash(b *testing.B) {
	box := open(b, HMACSHA256)
	b.ReportAllocs()
	for b.Loop() {
		if tag, err := box.Hash(inputs.Short); err != nil || len(tag) != 32 {
			b.Fatal(tag, err)
		}
	}
}

func open(b *testing.B, algorithm uint32) *Box {
	box, err := New(algorithm)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(box.Close)
	return box
}
