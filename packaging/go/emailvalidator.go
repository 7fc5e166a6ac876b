// Package emailvalidator says whether an e-mail address is well formed and whether a sign-up form should take it.
//
// There are two roads to the same library, with the same answers byte for byte. OpenNative calls the native library,
// without cgo; OpenWasm runs the WebAssembly module inside Go, on every platform. Both give a Validator:
//
//	validator, err := emailvalidator.OpenNative(emailvalidator.Options{RequireTopLevelDomain: true})
//	if err != nil {
//		return err
//	}
//	defer validator.Close()
//	decision, err := validator.Check(ctx, "joe@example.com")
package emailvalidator

import (
	"context"
	"log/slog"
	"time"
)

// Validator decides about addresses by options that were understood when it was made. Any number of goroutines may use
// one at once.
type Validator interface {
	// Check decides about one address.
	//
	// The context is handed to the look-ups and ends the call where one of them is asked: the library itself is done in
	// microseconds. Errors are of the closed set of Code, or the context's own.
	Check(ctx context.Context, candidate string) (Decision, error)

	// CheckBatch decides about many addresses at once; the answers are in their order. All are read before the first
	// look-up is asked, and an error is for all of them: none is decided about then.
	CheckBatch(ctx context.Context, candidates []string) ([]Decision, error)

	// Close frees what the validator holds: at once, or when the last call that is still running has ended. Closing
	// twice does nothing, and every later call returns ErrClosed.
	Close() error
}

// Options say what to demand of an address. The zero value demands that it is well formed.
type Options struct {
	// RequireTopLevelDomain refuses a domain of a single label, such as localhost.
	RequireTopLevelDomain bool
	// AllowDomainLiteral accepts an address literal as the domain, such as [192.0.2.1].
	AllowDomainLiteral bool
	// BlockedEmails are the types to refuse. Order and repetition do not matter; the library checks the names.
	BlockedEmails []EmailType
	// Lookups answer what the library cannot know; needed for every blocked type but Invalid.
	Lookups Lookups
	// Logger takes the library's messages, none of which holds an address or a part of one. A *slog.Logger is one.
	Logger Logger
	// Observe is told of each call of the library: the function's name as the C header or the WIT world has it, how long
	// it took with its look-ups, and what it came to, nil or a Code. It runs in the goroutine that called.
	Observe func(function string, took time.Duration, failure error)
}

// EmailType is a reason to refuse an address.
type EmailType string

// The types, in the order in which a decision names them.
const (
	// Free: anybody can open a mailbox at this domain free of charge.
	Free EmailType = "FREE"
	// Disposable: the domain hands out mailboxes meant to be thrown away.
	Disposable EmailType = "DISPOSABLE"
	// NoMXRecords: the domain does not say who receives its mail.
	NoMXRecords EmailType = "NO_MX_RECORDS"
	// NoGravatar: the address has no Gravatar picture.
	NoGravatar EmailType = "NO_GRAVATAR"
	// Invalid: the address is not well formed. Always refused, named or not.
	Invalid EmailType = "INVALID"
)

// Lookups are the questions that the caller answers: the library opens no connection and keeps no list.
//
// Each is asked at most once for an address, and only where BlockedEmails names its type. The domain is the ASCII form
// in lower case (xn--…), or the address literal in brackets; the email is the local part as it was written, @, and that
// domain. They are asked in the goroutine that called the validator, so by several at once where it is shared, and may
// call a validator in turn. An error ends the call, which then returns ErrLookup with that error inside; a panic passes
// through to the caller of the validator, and so does runtime.Goexit.
type Lookups interface {
	// IsFreeEmail says whether anybody can open a mailbox at this domain free of charge. Asked for Free.
	IsFreeEmail(ctx context.Context, domain string) (bool, error)
	// IsDisposableEmail says whether the domain hands out mailboxes meant to be thrown away. Asked for Disposable.
	IsDisposableEmail(ctx context.Context, domain string) (bool, error)
	// HasMXRecords says whether the domain says who receives its mail. Asked for NoMXRecords.
	HasMXRecords(ctx context.Context, domain string) (bool, error)
	// HasGravatar says whether the address has a Gravatar picture. Asked for NoGravatar.
	HasGravatar(ctx context.Context, email string) (bool, error)
}

// Logger takes a message. The levels are slog's Debug, Info, Warn and Error, and there are never any arguments.
type Logger interface {
	Log(ctx context.Context, level slog.Level, message string, arguments ...any)
}

// Lookup answers one question about a domain or an address.
type Lookup func(ctx context.Context, text string) (bool, error)

// LookupFuncs are Lookups for those who need only some. What is nil is not there: options that need it are refused.
type LookupFuncs struct {
	Free       Lookup
	Disposable Lookup
	MXRecords  Lookup
	Gravatar   Lookup
}

// IsFreeEmail asks Free.
func (funcs LookupFuncs) IsFreeEmail(ctx context.Context, domain string) (bool, error) {
	return funcs.Free(ctx, domain)
}

// IsDisposableEmail asks Disposable.
func (funcs LookupFuncs) IsDisposableEmail(ctx context.Context, domain string) (bool, error) {
	return funcs.Disposable(ctx, domain)
}

// HasMXRecords asks MXRecords.
func (funcs LookupFuncs) HasMXRecords(ctx context.Context, domain string) (bool, error) {
	return funcs.MXRecords(ctx, domain)
}

// HasGravatar asks Gravatar.
func (funcs LookupFuncs) HasGravatar(ctx context.Context, email string) (bool, error) {
	return funcs.Gravatar(ctx, email)
}
