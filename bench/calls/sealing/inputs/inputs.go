// Package inputs has what every way is given: messages of the same lengths in every language.
package inputs

// Associated is what is authenticated and not sealed.
var Associated = []byte("to whom")

// Short and Large are the messages, of 64 bytes and of 64 KiB.
var Short, Large = make([]byte, 64), make([]byte, 64<<10)
