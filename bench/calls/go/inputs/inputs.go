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
