// Package inputs has what both ways are given.
package inputs

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
