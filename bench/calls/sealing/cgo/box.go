// Package cgo calls the C SDK of sealed-box in the way of Go's own tool. It is here to be compared with, and is part
// of no release.
package cgo

/*
#cgo LDFLAGS: -lsealed_box
#include <sealed_box.h>
*/
import "C"

import (
	"errors"
	"unsafe"
)

// Box is a box with one key.
type Box struct {
	handle *C.SealedBox
	key    *C.SealedBoxKey
}

// New makes a box of the default options, and a key of an algorithm, which Close frees.
func New(algorithm uint32) (*Box, error) {
	box := &Box{}
	if C.sealed_box_new(nil, nil, &box.handle) != C.SEALED_BOX_STATUS_OK {
		return nil, lastError()
	}
	if C.sealed_box_key_generate(box.handle, C.uint32_t(algorithm), 1, &box.key) != C.SEALED_BOX_STATUS_OK {
		C.sealed_box_free(box.handle)
		return nil, lastError()
	}
	return box, nil
}

// The algorithms that are measured.
const (
	XChaCha20Poly1305 = C.SEALED_BOX_ALGORITHM_XCHACHA20_POLY1305
	HMACSHA256        = C.SEALED_BOX_ALGORITHM_HMAC_SHA256
)

// Close frees both.
func (b *Box) Close() {
	C.sealed_box_key_free(b.key)
	C.sealed_box_free(b.handle)
}

// Seal seals a message.
func (b *Box) Seal(message, associated []byte) ([]byte, error) {
	var sealed *C.uint8_t
	var length C.size_t
	status := C.sealed_box_seal(b.handle, b.key, first(associated), C.size_t(len(associated)), first(message),
		C.size_t(len(message)), &sealed, &length)
	return taken(status, sealed, length)
}

// Open opens an envelope.
func (b *Box) Open(sealed, associated []byte) ([]byte, error) {
	var message *C.uint8_t
	var length C.size_t
	status := C.sealed_box_open(b.handle, b.key, first(associated), C.size_t(len(associated)), first(sealed),
		C.size_t(len(sealed)), &message, &length)
	return taken(status, message, length)
}

// Hash gives a keyed hash.
func (b *Box) Hash(message []byte) ([]byte, error) {
	var tag *C.uint8_t
	var length C.size_t
	status := C.sealed_box_hash(b.handle, b.key, first(message), C.size_t(len(message)), &tag, &length)
	return taken(status, tag, length)
}

func taken(status C.SealedBoxStatus, bytes *C.uint8_t, length C.size_t) ([]byte, error) {
	if status != C.SEALED_BOX_STATUS_OK {
		return nil, lastError()
	}
	result := C.GoBytes(unsafe.Pointer(bytes), C.int(length))
	C.sealed_box_bytes_free(bytes, length)
	return result, nil
}

func first(bytes []byte) *C.uint8_t {
	return (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(bytes)))
}

func lastError() error {
	length := C.sealed_box_last_error(nil, 0)
	buffer := make([]byte, int(length)+1)
	C.sealed_box_last_error((*C.char)(unsafe.Pointer(unsafe.SliceData(buffer))), C.size_t(len(buffer)))
	return errors.New(string(buffer[:length]))
}
