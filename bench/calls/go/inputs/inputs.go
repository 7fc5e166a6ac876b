// Package inputs has what every road is given: the same addresses in every language.
package inputs

import "fmt"

// Short is an address of 19 bytes.
const Short = "joe.doe@example.com"

// Many are a thousand such addresses.
func Many() []string {
	many := make([]string, 1000)
	for i := range many {
		many[i] = fmt.Sprintf("joe.%03d@example.com", i)
	}
	return many
}

// Taps are those of a low pass.
var Taps = []float64{0.1, -0.25, 0.5, 1, 0.5, -0.25, 0.1}

// Mean is that of Values.
const Mean = 499.5

// Values are a thousand numbers.
func Values() []float64 {
	values := make([]float64, 1000)
	for i := range values {
		values[i] = float64(i)
	}
	return values
}
