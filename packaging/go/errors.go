package emailvalidator

import "fmt"

// Code says what went wrong. The set is closed, and every code is an error that errors.Is finds:
//
//	if errors.Is(err, emailvalidator.ErrTooLong) { … }
type Code uint8

// What can go wrong.
const (
	// ErrLibrary: the library cannot be found, opened, or run on this machine.
	ErrLibrary Code = iota + 1
	// ErrForeignLibrary: a library was found, and is one of another interface.
	ErrForeignLibrary
	// ErrUnknownEmailType: BlockedEmails names a type that does not exist. The message lists those that do.
	ErrUnknownEmailType
	// ErrMissingLookup: a blocked type needs a look-up that was not given.
	ErrMissingLookup
	// ErrLookup: a look-up returned an error, which is inside this one.
	ErrLookup
	// ErrTooLong: a text has more than 1 MiB, or a batch more than 1,048,576 items.
	ErrTooLong
	// ErrNotUTF8: a text is not UTF-8.
	ErrNotUTF8
	// ErrClosed: the validator was closed.
	ErrClosed
	// ErrInternal: a fault of the library or of this package. It was contained; the validator can still be used.
	ErrInternal
)

var codes = [...]string{
	ErrLibrary:          "the library cannot be used",
	ErrForeignLibrary:   "the library is of another interface",
	ErrUnknownEmailType: "unknown type of address",
	ErrMissingLookup:    "a look-up is missing",
	ErrLookup:           "a look-up failed",
	ErrTooLong:          "too long",
	ErrNotUTF8:          "not UTF-8",
	ErrClosed:           "the validator was closed",
	ErrInternal:         "a fault inside the library",
}

// Error gives the code in words.
func (code Code) Error() string {
	if code == 0 || int(code) >= len(codes) {
		return fmt.Sprintf("code %d", uint8(code))
	}
	return codes[code]
}

// Error is what this package returns: a code and what happened, in the library's own words where it said so.
type Error struct {
	Code    Code
	Message string
	// Cause is the error of a look-up, or of opening the library; nil for others.
	Cause error
}

// Error gives the message.
func (e *Error) Error() string {
	return "email-validator: " + e.Message
}

// Unwrap leads errors.Is and errors.As to the code and to the cause.
func (e *Error) Unwrap() []error {
	if e.Cause == nil {
		return []error{e.Code}
	}
	return []error{e.Code, e.Cause}
}

func failure(code Code, format string, arguments ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, arguments...)}
}
