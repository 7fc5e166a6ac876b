// Package cgo calls the C SDK in the way of Go's own tool. It is here to be compared with, and is part of no release.
package cgo

/*
#cgo LDFLAGS: -lemail_validator
#include <stdlib.h>
#include <email_validator.h>
*/
import "C"

import (
	"errors"
	"runtime"
	"strings"
	"unsafe"
)

// Validator decides about addresses; it demands a top-level domain, and that they are well formed.
type Validator struct {
	handle *C.EmailValidator
}

// New makes a validator, which Close frees.
func New() (*Validator, error) {
	name := C.CString("INVALID")
	defer C.free(unsafe.Pointer(name))
	blocked := (*C.EmailValidatorText)(C.calloc(1, C.sizeof_EmailValidatorText))
	defer C.free(unsafe.Pointer(blocked))
	blocked.data, blocked.length = name, C.size_t(len("INVALID"))
	options := C.EmailValidatorOptions{
		struct_size:              C.sizeof_EmailValidatorOptions,
		require_top_level_domain: 1,
		blocked_emails:           blocked,
		blocked_emails_count:     1,
	}
	validator := &Validator{}
	if C.email_validator_new(&options, nil, &validator.handle) != C.EMAIL_VALIDATOR_STATUS_OK {
		return nil, lastError()
	}
	return validator, nil
}

// Close frees the validator.
func (v *Validator) Close() {
	C.email_validator_free(v.handle)
}

// Check returns the decision about one address, as JSON.
func (v *Validator) Check(candidate string) (string, error) {
	var decision *C.char
	var length C.size_t
	data := (*C.char)(unsafe.Pointer(unsafe.StringData(candidate)))
	if C.email_validator_check(v.handle, data, C.size_t(len(candidate)), &decision, &length) != C.EMAIL_VALIDATOR_STATUS_OK {
		return "", lastError()
	}
	text := C.GoStringN(decision, C.int(length))
	C.email_validator_string_free(decision)
	return text, nil
}

// CheckBatch returns the decision about each of many addresses, as JSON.
func (v *Validator) CheckBatch(candidates []string) ([]string, error) {
	// One copy of all of them in one piece that is pinned: pinning each would cost more than copying it does.
	var length int
	for _, candidate := range candidates {
		length += len(candidate)
	}
	copied := make([]byte, 0, length+1)
	var pinner runtime.Pinner
	defer pinner.Unpin()
	pinner.Pin(unsafe.SliceData(copied))
	texts := make([]C.EmailValidatorText, len(candidates))
	for i, candidate := range candidates {
		start := len(copied)
		copied = append(copied, candidate...)
		texts[i].data = (*C.char)(unsafe.Pointer(&copied[:start+1][start]))
		texts[i].length = C.size_t(len(candidate))
	}
	var decisions *C.char
	var written C.size_t
	status := C.email_validator_check_batch(v.handle, unsafe.SliceData(texts), C.size_t(len(texts)), &decisions, &written)
	if status != C.EMAIL_VALIDATOR_STATUS_OK {
		return nil, lastError()
	}
	text := C.GoStringN(decisions, C.int(written))
	C.email_validator_string_free(decisions)
	return pieces(text, len(candidates)), nil
}

// pieces cuts an array of decisions, none of which holds an object of its own.
func pieces(array string, count int) []string {
	found := make([]string, 0, count)
	for rest := array[1:]; len(found) < count; {
		end := strings.IndexByte(rest, '}') + 1
		found = append(found, rest[:end])
		rest = rest[end+1:]
	}
	return found
}

func lastError() error {
	length := C.email_validator_last_error(nil, 0)
	buffer := make([]byte, int(length)+1)
	C.email_validator_last_error((*C.char)(unsafe.Pointer(unsafe.SliceData(buffer))), C.size_t(len(buffer)))
	return errors.New(string(buffer[:length]))
}
