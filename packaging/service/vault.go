package main

import (
	"fmt"
	"io"
	"time"

	sealedbox "example.org/ferrule/sealed-box"
)

const (
	keyLength = 32
	keyNumber = 1
)

// vault seals and opens with one key, which never leaves the library.
type vault struct {
	box *sealedbox.Box
	key *sealedbox.Key
}

// openVault takes the key from the file that the settings name, or makes one that ends with the process.
func openVault(settings Settings, observe func(string, time.Duration, error)) (*vault, error) {
	box, err := sealedbox.Open(sealedbox.Options{
		Algorithms: []sealedbox.Algorithm{sealedbox.XChaCha20Poly1305},
		Library:    settings.Box,
		Observe:    observe,
	})
	if err != nil {
		return nil, err
	}
	key, err := keyOf(box, settings.KeyFile)
	if err != nil {
		box.Close()
		return nil, err
	}
	return &vault{box, key}, nil
}

func keyOf(box *sealedbox.Box, path string) (*sealedbox.Key, error) {
	if path == "" {
		return box.Generate(sealedbox.XChaCha20Poly1305, keyNumber)
	}
	file, err := opened("SEALED_BOX_KEY_FILE", path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	bytes := make([]byte, keyLength+1)
	defer clear(bytes)
	if length, err := io.ReadFull(file, bytes); length != keyLength || err != io.ErrUnexpectedEOF {
		return nil, fmt.Errorf("SEALED_BOX_KEY_FILE: %s does not have exactly %d bytes", path, keyLength)
	}
	return box.Import(sealedbox.XChaCha20Poly1305, keyNumber, bytes[:keyLength])
}

// Seal gives an envelope that only this key opens, and only with what is associated.
func (v *vault) Seal(message, associated []byte) ([]byte, error) {
	return v.box.Seal(v.key, message, associated)
}

// Open gives what was sealed.
func (v *vault) Open(sealed, associated []byte) ([]byte, error) {
	return v.box.Open(v.key, sealed, associated)
}

// Close overwrites the key.
func (v *vault) Close() {
	v.key.Close()
	v.box.Close()
}
