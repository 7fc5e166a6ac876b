//go:build (darwin || linux) && (amd64 || arm64)

// Package sealedbox seals, hashes with keys, derives, signs and agrees, with keys that never show. It calls the native
// library that the module carries, without cgo.
//
//	box, err := sealedbox.Open(sealedbox.Options{})
//	if err != nil {
//		return err
//	}
//	defer box.Close()
//	key, err := box.Generate(sealedbox.XChaCha20Poly1305, 1)
//	if err != nil {
//		return err
//	}
//	defer key.Close()
//	sealed, err := box.Seal(key, message, associated)
package sealedbox

import (
	"sync"
	"time"

	"example.org/ferrule/sealed-box/internal/ferrule/bindings"
	"example.org/ferrule/sealed-box/internal/ferrule/native"
)

// Key is a key of the library's. Its bytes are there alone, and are overwritten when it is closed, as soon as no call uses
// it any more; Public gives the public half of an Ed25519 or X25519 key.
type Key = bindings.Key

// Stream is a message that is sealed, opened or hashed in pieces: Push takes the next and gives what came of it, Finish
// gives the rest, Close forgets it. What an opening stream gives is genuine, but only Finish tells that nothing was cut
// off.
type Stream = bindings.Stream

// Options say what is allowed, and who is told of what happens.
type Options struct {
	// Algorithms are those that are allowed; nil stands for XChaCha20-Poly1305, HMAC-SHA-256, HKDF-SHA-256, Ed25519 and
	// X25519.
	Algorithms []Algorithm
	// AllowCallerNonces is for Encrypt and Decrypt: whoever uses a nonce twice loses the key.
	AllowCallerNonces bool
	// AllowExport lets keys and derived bytes leave the library, by Export and Derive.
	AllowExport bool
	// Audit is told of each use of a key, also of those that were refused; nothing of it is secret. It runs in the
	// goroutine that called, and a panic of it is raised there when the library has returned.
	Audit func(KeyUse)
	// Observe is told of each call: the function's name, how long it took, and what it came to; nil is success.
	Observe func(function string, took time.Duration, failure error)
	// Library names the file of the native library, and nothing else is tried then. Empty stands for the file that the
	// environment variable SEALED_BOX_LIBRARY names, or one next to the program, or the one that this module carries.
	Library string
	// Cache is the folder that the embedded library is unpacked to; empty stands for a private one in the user's cache.
	Cache string
}

// KeyUse is a use of a key.
type KeyUse struct {
	Operation Operation
	Algorithm Algorithm
	// KeyID is the number that the caller gave to the key.
	KeyID uint64
	// Failure is what it came to: nil, or one of the errors of this package.
	Failure error
}

// Box is what is allowed; any number of goroutines may use one at once. Keys and streams outlive it.
type Box struct {
	library *bindings.SealedBox
}

var process struct {
	sync.Mutex
	library *bindings.Library
}

func openLibrary(places native.Places) (*bindings.Library, error) {
	process.Lock()
	defer process.Unlock()
	library, err := native.Open(places)
	if err == nil && process.library == nil {
		process.library, err = bindings.Open(library)
	}
	return process.library, err
}

// Open makes a box. The library is opened once in a process and stays open.
func Open(options Options) (*Box, error) {
	library, err := openLibrary(native.Places{Path: options.Library, Cache: options.Cache})
	if err != nil {
		return nil, err
	}
	policy := &bindings.Options{
		AllowCallerNonces: number(options.AllowCallerNonces),
		AllowExport:       number(options.AllowExport),
	}
	if options.Algorithms != nil {
		// Not nil where it is empty: then nothing is allowed.
		policy.Algorithms = make([]uint32, len(options.Algorithms), max(1, len(options.Algorithms)))
		for at, algorithm := range options.Algorithms {
			policy.Algorithms[at] = uint32(algorithm)
		}
	}
	box, err := library.NewSealedBox(policy, options.callbacks())
	if err != nil {
		return nil, err
	}
	return &Box{box}, nil
}

func number(flag bool) uint8 {
	if flag {
		return 1
	}
	return 0
}

func (options Options) callbacks() *bindings.Callbacks {
	if options.Audit == nil && options.Observe == nil {
		return nil
	}
	callbacks := new(bindings.Callbacks)
	if options.Audit != nil {
		callbacks.Audit = func(use bindings.KeyUse) {
			options.Audit(KeyUse{Operation(use.Operation), Algorithm(use.Algorithm), use.KeyId, failure(use.Status)})
		}
	}
	if options.Observe != nil {
		callbacks.Observe = func(function string, nanoseconds uint64, status bindings.Status) {
			options.Observe(function, time.Duration(nanoseconds), failure(status))
		}
	}
	return callbacks
}

func failure(status bindings.Status) error {
	if status == bindings.StatusOk {
		return nil
	}
	return status
}

// Close ends the box: at once, or when the last call, key and stream of it has ended.
func (box *Box) Close() {
	if box != nil {
		box.library.Close()
	}
}

// Import makes a key from its bytes. id is the caller's own number for it: envelopes and the audit hold it.
func (box *Box) Import(algorithm Algorithm, id uint64, bytes []byte) (*Key, error) {
	return box.library.KeyImport(uint32(algorithm), id, bytes)
}

// ImportPublic makes a key that verifies, from the public half of somebody's Ed25519 pair.
func (box *Box) ImportPublic(algorithm Algorithm, id uint64, bytes []byte) (*Key, error) {
	return box.library.KeyImportPublic(uint32(algorithm), id, bytes)
}

// Generate makes a new key of random bytes.
func (box *Box) Generate(algorithm Algorithm, id uint64) (*Key, error) {
	return box.library.KeyGenerate(uint32(algorithm), id)
}

// Export gives the bytes of a key, if that is allowed.
func (box *Box) Export(key *Key) ([]byte, error) { return box.library.KeyExport(key) }

// Seal makes an envelope with the message in it. What is associated is authenticated, and is not in the envelope.
func (box *Box) Seal(key *Key, message, associated []byte) ([]byte, error) {
	return box.library.Seal(key, associated, message)
}

// Open gives the message of an envelope; the error is ErrRejected for one that is not genuine.
func (box *Box) Open(key *Key, sealed, associated []byte) ([]byte, error) {
	return box.library.Open(key, associated, sealed)
}

// Encrypt seals with the caller's nonce, if that is allowed: text and tag, without an envelope.
func (box *Box) Encrypt(key *Key, nonce, message, associated []byte) ([]byte, error) {
	return box.library.Encrypt(key, nonce, associated, message)
}

// Decrypt opens what Encrypt made.
func (box *Box) Decrypt(key *Key, nonce, sealed, associated []byte) ([]byte, error) {
	return box.library.Decrypt(key, nonce, associated, sealed)
}

// Hash gives a keyed hash.
func (box *Box) Hash(key *Key, message []byte) ([]byte, error) { return box.library.Hash(key, message) }

// CheckHash compares a keyed hash in constant time; the error is ErrRejected for another.
func (box *Box) CheckHash(key *Key, message, tag []byte) error {
	return box.library.HashCheck(key, message, tag)
}

// Derive gives bytes that depend on the key, if that is allowed.
func (box *Box) Derive(key *Key, salt, info []byte, length int) ([]byte, error) {
	if length < 0 {
		return nil, &Error{Status: ErrInvalidLength, Message: "a length is not negative"}
	}
	return box.library.Derive(key, salt, info, uintptr(length))
}

// DeriveKey makes a key that is derived from another; its bytes never leave the library.
func (box *Box) DeriveKey(key *Key, salt, info []byte, algorithm Algorithm, id uint64) (*Key, error) {
	return box.library.DeriveKey(key, salt, info, uint32(algorithm), id)
}

// Sign gives a signature of 64 bytes.
func (box *Box) Sign(key *Key, message []byte) ([]byte, error) { return box.library.Sign(key, message) }

// Verify returns ErrRejected for a signature that is not genuine.
func (box *Box) Verify(key *Key, message, signature []byte) error {
	return box.library.Verify(key, message, signature)
}

// Agree gives the key that two parties agree on, for HKDF-SHA-256; peer is the other's public half.
func (box *Box) Agree(key *Key, peer []byte, id uint64) (*Key, error) {
	return box.library.Agree(key, peer, id)
}

// SealStream begins to seal a message that comes in pieces.
func (box *Box) SealStream(key *Key, associated []byte) (*Stream, error) {
	return box.library.StreamSeal(key, associated)
}

// OpenStream begins to open one.
func (box *Box) OpenStream(key *Key, associated []byte) (*Stream, error) {
	return box.library.StreamOpen(key, associated)
}

// HashStream begins a keyed hash of a message that comes in pieces: the tag comes at the end.
func (box *Box) HashStream(key *Key) (*Stream, error) { return box.library.StreamHash(key) }
