//go:build !((darwin || linux) && (amd64 || arm64))

package emailvalidator

import "example.org/ferrule/email-validator/internal/ferrule/native"

// OpenNative returns ErrLibrary: there is no native library for this platform. OpenWasm works on every one.
func OpenNative(_ Options, where ...NativeOption) (Validator, error) {
	var places native.Places
	for _, option := range where {
		option(&places)
	}
	_, err := native.Open(places)
	return nil, libraryError(err)
}
