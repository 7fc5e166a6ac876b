// Prints a digest of what signal-stats makes of the values of a file: `consumer native|wazero FILE ASKED`. By `native` it
// is the Go module, by `wazero` the WebAssembly module in the package `stats`, which the tests put beside this file.
package main

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"math"
	"os"
)

// asked are the parameters of the functions.
type asked struct {
	Block         int
	Probabilities []float64
	Few           []float64
	Taps          []float64
	Section       struct{ B0, B1, B2, A1, A2 float64 }
	Statistics    []string
	Bins          int
	Lower, Upper  float64
	Width         int
	Up, Down      int
	Precision     uint32
}

// results computes all results of a block, one after the other.
type results func(values []float64) error

// output is the digest of results; the first failure ends it.
type output struct{ digest hash.Hash }

func (o output) floats(values []float64, err error) {
	if err != nil {
		panic(err)
	}
	for _, value := range values {
		o.digest.Write(binary.LittleEndian.AppendUint64(nil, math.Float64bits(value)))
	}
}

func (o output) float(value float64, err error) { o.floats([]float64{value}, err) }

func (o output) counts(values ...uint64) {
	for _, value := range values {
		o.digest.Write(binary.LittleEndian.AppendUint64(nil, value))
	}
}

func main() {
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(way, file, parameters string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var a asked
	if err := json.Unmarshal([]byte(parameters), &a); err != nil {
		return err
	}
	out := output{sha256.New()}
	made, err := map[string]func(asked, output) (results, error){"native": native, "wazero": inWazero}[way](a, out)
	if err != nil {
		return err
	}
	block := make([]float64, a.Block)
	for len(content) > 0 {
		for at := range block {
			block[at] = math.Float64frombits(binary.LittleEndian.Uint64(content[8*at:]))
		}
		content = content[8*a.Block:]
		if err := made(block); err != nil {
			return err
		}
	}
	fmt.Print(hex.EncodeToString(out.digest.Sum(nil)))
	return nil
}
