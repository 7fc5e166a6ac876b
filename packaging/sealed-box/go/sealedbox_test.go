//go:build (darwin || linux) && (amd64 || arm64)

package sealedbox_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	sealedbox "example.org/ferrule/sealed-box"
	"example.org/ferrule/sealed-box/internal/ferrule/bindings"
)

func open(t *testing.T, options sealedbox.Options) *sealedbox.Box {
	t.Helper()
	box, err := sealedbox.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(box.Close)
	return box
}

func generate(t *testing.T, box *sealedbox.Box, algorithm sealedbox.Algorithm) *sealedbox.Key {
	t.Helper()
	key, err := box.Generate(algorithm, 7)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(key.Close)
	return key
}

func TestSealedIsOpened(t *testing.T) {
	box := open(t, sealedbox.Options{})
	key := generate(t, box, sealedbox.XChaCha20Poly1305)
	sealed, err := box.Seal(key, []byte("text"), []byte("to"))
	if err != nil {
		t.Fatal(err)
	}
	if opened, err := box.Open(key, sealed, []byte("to")); err != nil || string(opened) != "text" {
		t.Error(opened, err)
	}
	if _, err := box.Open(key, sealed, []byte("from")); !errors.Is(err, sealedbox.ErrRejected) {
		t.Error(err)
	}
	if _, err := box.Export(key); !errors.Is(err, sealedbox.ErrNotAllowed) {
		t.Error(err)
	}
}

func TestStream(t *testing.T) {
	box := open(t, sealedbox.Options{})
	key := generate(t, box, sealedbox.XChaCha20Poly1305)
	message := bytes.Repeat([]byte("abc"), 50_000)
	sealing, err := box.SealStream(key, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer sealing.Close()
	sealed := through(t, sealing, message)
	opening, err := box.OpenStream(key, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer opening.Close()
	if !bytes.Equal(through(t, opening, sealed), message) {
		t.Error("another message")
	}
	if _, err := opening.Push(sealed); !errors.Is(err, sealedbox.ErrStreamEnded) {
		t.Error(err)
	}
}

func through(t *testing.T, stream *sealedbox.Stream, data []byte) []byte {
	t.Helper()
	var all []byte
	for piece := range slices.Chunk(data, 777) {
		came, err := stream.Push(piece)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, came...)
	}
	rest, err := stream.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return append(all, rest...)
}

func TestAuditAndObserver(t *testing.T) {
	var uses []sealedbox.KeyUse
	var calls []string
	box := open(t, sealedbox.Options{
		Audit: func(use sealedbox.KeyUse) { uses = append(uses, use) },
		Observe: func(function string, _ time.Duration, failure error) {
			calls = append(calls, fmt.Sprint(function, " ", failure))
		},
	})
	key := generate(t, box, sealedbox.Ed25519)
	if _, err := box.Seal(key, nil, nil); !errors.Is(err, sealedbox.ErrWrongKey) {
		t.Error(err)
	}
	want := []sealedbox.KeyUse{
		{Operation: sealedbox.OperationGenerate, Algorithm: sealedbox.Ed25519, KeyID: 7},
		{Operation: sealedbox.OperationSeal, Algorithm: sealedbox.Ed25519, KeyID: 7, Failure: sealedbox.ErrWrongKey},
	}
	if !slices.Equal(uses, want) {
		t.Error(uses)
	}
	if got := strings.Join(calls[1:], ", "); got != "sealed_box_key_generate <nil>, sealed_box_seal wrong key" {
		t.Error(got)
	}
}

func TestAuditThatPanics(t *testing.T) {
	box := open(t, sealedbox.Options{Audit: func(sealedbox.KeyUse) { panic("full") }})
	defer func() {
		if caught := recover(); caught != "full" {
			t.Error(caught)
		}
	}()
	_, _ = box.Generate(sealedbox.Ed25519, 0)
	t.Error("no panic")
}

// live counts what the library has not released yet.
func live() (count int) {
	bindings.Live.Range(func(any, any) bool { count++; return true })
	return count
}

func TestCallbacksGoWhenTheyAreReleased(t *testing.T) {
	before := live()
	box := open(t, sealedbox.Options{Audit: func(sealedbox.KeyUse) {}})
	if live() != before+1 {
		t.Error(live(), "and before", before)
	}
	key := generate(t, box, sealedbox.Ed25519)
	box.Close()
	key.Close()
	if _, err := sealedbox.Open(sealedbox.Options{
		Algorithms: []sealedbox.Algorithm{0xffff},
		Audit:      func(sealedbox.KeyUse) {},
	}); err == nil || live() != before {
		t.Error(err, live(), "and before", before)
	}
}

func TestNothingIsAllowed(t *testing.T) {
	box := open(t, sealedbox.Options{Algorithms: []sealedbox.Algorithm{}})
	if _, err := box.Generate(sealedbox.Ed25519, 0); !errors.Is(err, sealedbox.ErrNotAllowed) {
		t.Error(err)
	}
}

func TestClosedAndShown(t *testing.T) {
	box := open(t, sealedbox.Options{})
	secret := []byte("a secret of thirty-two letters!!")
	key, err := box.Import(sealedbox.XChaCha20Poly1305, 1, secret)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := box.Import(sealedbox.XChaCha20Poly1305, 1, secret[1:]); !errors.Is(err, sealedbox.ErrInvalidKey) {
		t.Error(err)
	} else if shown := fmt.Sprintf("%v %+v %#v %v", key, key, *key, err); strings.Contains(shown, "secret") {
		t.Error(shown)
	}
	key.Close()
	key.Close()
	if _, err := box.Seal(key, nil, nil); !errors.Is(err, sealedbox.ErrClosed) {
		t.Error(err)
	}
}

func TestManyAtOnce(t *testing.T) {
	box := open(t, sealedbox.Options{})
	key := generate(t, box, sealedbox.XChaCha20Poly1305)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 200 {
				sealed, err := box.Seal(key, []byte("text"), nil)
				if opened, failure := box.Open(key, sealed, nil); err != nil || failure != nil || string(opened) != "text" {
					t.Error(opened, err, failure)
				}
			}
		})
	}
	group.Wait()
}
