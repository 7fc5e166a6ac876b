package emailvalidator

import (
	"encoding/json"
	"errors"

	"example.org/ferrule/email-validator/internal/ferrule/native"
)

// LibraryAt names the file of the native library, and nothing else is tried then.
func LibraryAt(path string) NativeOption {
	return func(places *native.Places) { places.Path = path }
}

// CacheIn names the folder that the embedded library is unpacked to. It is made if it is not there; it must belong to
// the user who runs the program, and nobody else may write to it.
func CacheIn(folder string) NativeOption {
	return func(places *native.Places) { places.Cache = folder }
}

// NativeOption says where the native library comes from.
type NativeOption func(places *native.Places)

// Library is the native library that a process works with.
type Library struct {
	// Path is its file. It may be gone by now where the user's cache could not be used: an open library needs none.
	Path string
	// Origin is "given", "environment", "next to the program" or "embedded".
	Origin string
	// BuildInfo is what the library says of itself: version, commit, fingerprints, target, compiler, dependencies.
	BuildInfo json.RawMessage
}

// NativeLibrary says which library this process works with; false if none was opened yet.
func NativeLibrary() (Library, bool) {
	opened := native.Opened()
	if opened == nil {
		return Library{}, false
	}
	return Library{opened.Path, string(opened.Origin), json.RawMessage(opened.BuildInfo)}, true
}

func libraryError(err error) error {
	code := ErrLibrary
	if found := (*native.Error)(nil); errors.As(err, &found) && found.Foreign {
		code = ErrForeignLibrary
	}
	return &Error{Code: code, Message: err.Error(), Cause: err}
}
