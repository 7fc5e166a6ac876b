// Package native stands for the loader that a Go module has from Ferrule.
package native

import "github.com/ebitengine/purego"

// Library is an open library.
type Library struct {
	Path   string
	handle uintptr
}

// Error says why a library cannot be used.
type Error struct {
	Foreign bool
	Message string
	Cause   error
}

func (e *Error) Error() string { return e.Message }

// Open opens a file of the working folder.
func Open(path string) (*Library, error) {
	handle, err := purego.Dlopen("./"+path, purego.RTLD_NOW)
	return &Library{path, handle}, err
}

// Function gives the address of a function.
func (l *Library) Function(name string) (uintptr, error) { return purego.Dlsym(l.handle, name) }
