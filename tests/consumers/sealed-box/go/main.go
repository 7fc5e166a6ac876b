// Prints what the Go module answers to the vectors of sealed-box: `vectors FILE`, one line of JSON for each: the status,
// and what came of it in hexadecimal digits.
package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	sealedbox "example.org/ferrule/sealed-box"
)

var algorithms = map[string]sealedbox.Algorithm{
	"AES-256-GCM":        sealedbox.AES256GCM,
	"ChaCha20-Poly1305":  sealedbox.ChaCha20Poly1305,
	"XChaCha20-Poly1305": sealedbox.XChaCha20Poly1305,
	"AES-256-GCM-SIV":    sealedbox.AES256GCMSIV,
	"HMAC-SHA-256":       sealedbox.HMACSHA256,
	"HMAC-SHA-512":       sealedbox.HMACSHA512,
	"HKDF-SHA-256":       sealedbox.HKDFSHA256,
	"Ed25519":            sealedbox.Ed25519,
	"X25519":             sealedbox.X25519,
}

// digits are bytes in hexadecimal digits.
type digits []byte

func (d *digits) UnmarshalText(text []byte) error {
	decoded, err := hex.DecodeString(string(text))
	*d = decoded
	return err
}

type vector struct {
	Algorithm  string `json:"algorithm"`
	Number     uint64 `json:"number"`
	Length     int    `json:"length"`
	Key        digits `json:"key"`
	Public     digits `json:"public"`
	Nonce      digits `json:"nonce"`
	Associated digits `json:"associated"`
	Message    digits `json:"message"`
	Sealed     digits `json:"sealed"`
	Tag        digits `json:"tag"`
	Salt       digits `json:"salt"`
	Info       digits `json:"info"`
	Signature  digits `json:"signature"`
}

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(file string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var vectors []vector
	if err := json.Unmarshal(content, &vectors); err != nil {
		return err
	}
	options := sealedbox.Options{AllowCallerNonces: true, AllowExport: true}
	for _, algorithm := range algorithms {
		options.Algorithms = append(options.Algorithms, algorithm)
	}
	box, err := sealedbox.Open(options)
	if err != nil {
		return err
	}
	defer box.Close()
	output := bufio.NewWriter(os.Stdout)
	lines := json.NewEncoder(output)
	for _, vector := range vectors {
		results, err := vector.results(box)
		line := []any{0}
		if failure := (*sealedbox.Error)(nil); errors.As(err, &failure) {
			line, results = []any{int(failure.Status)}, nil
		} else if err != nil {
			return err
		}
		for _, result := range results {
			line = append(line, hex.EncodeToString(result))
		}
		if err := lines.Encode(line); err != nil {
			return err
		}
	}
	return output.Flush()
}

func (v *vector) results(box *sealedbox.Box) ([][]byte, error) {
	algorithm := algorithms[v.Algorithm]
	take, bytes := box.Import, v.Key
	if algorithm == sealedbox.Ed25519 {
		take, bytes = box.ImportPublic, v.Public
	}
	key, err := take(algorithm, v.Number, bytes)
	if err != nil {
		return nil, err
	}
	defer key.Close()
	switch algorithm {
	case sealedbox.HMACSHA256, sealedbox.HMACSHA512:
		return v.hash(box, key)
	case sealedbox.HKDFSHA256:
		derived, err := box.Derive(key, v.Salt, v.Info, v.Length)
		return [][]byte{derived}, err
	case sealedbox.Ed25519:
		return nil, box.Verify(key, v.Message, v.Signature)
	case sealedbox.X25519:
		return v.agree(box, key)
	}
	opened, err := box.Decrypt(key, v.Nonce, v.Sealed, v.Associated)
	if err != nil {
		return nil, err
	}
	sealed, err := box.Encrypt(key, v.Nonce, v.Message, v.Associated)
	return [][]byte{opened, sealed}, err
}

// hash gives as much of the tag as the vector has: the library itself accepts no part of one.
func (v *vector) hash(box *sealedbox.Box, key *sealedbox.Key) ([][]byte, error) {
	whole, err := box.Hash(key, v.Message)
	if err != nil {
		return nil, err
	}
	if len(whole) == len(v.Tag) {
		err = box.CheckHash(key, v.Message, v.Tag)
	} else if !bytes.HasPrefix(whole, v.Tag) {
		err = &sealedbox.Error{Status: sealedbox.ErrRejected}
	}
	return [][]byte{whole[:len(v.Tag)]}, err
}

func (v *vector) agree(box *sealedbox.Box, key *sealedbox.Key) ([][]byte, error) {
	shared, err := box.Agree(key, v.Public, 0)
	if err != nil {
		return nil, err
	}
	defer shared.Close()
	exported, err := box.Export(shared)
	return [][]byte{exported}, err
}
