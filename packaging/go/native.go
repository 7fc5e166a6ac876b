//go:build (darwin || linux) && (amd64 || arm64)

package emailvalidator

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"example.org/ferrule/email-validator/internal/ferrule/bindings"
	"example.org/ferrule/email-validator/internal/ferrule/native"
)

// OpenNative makes a validator that calls the native library, without cgo.
//
// The library is opened once per process and stays open: the file that LibraryAt names, or the one that the environment
// variable EMAIL_VALIDATOR_LIBRARY names, or one that lies next to the program, or the one that this module carries,
// which is unpacked to a private folder in the user's cache and checked by its digest.
//
// The error is ErrLibrary, ErrForeignLibrary, ErrUnknownEmailType or ErrMissingLookup.
func OpenNative(options Options, where ...NativeOption) (Validator, error) {
	var places native.Places
	for _, option := range where {
		option(&places)
	}
	library, err := openLibrary(places)
	if err != nil {
		return nil, libraryError(err)
	}
	options.BlockedEmails = append([]EmailType(nil), options.BlockedEmails...)
	core := &nativeCore{library: library, options: options}
	first, err := core.newHandle()
	if err != nil {
		return nil, err
	}
	if core.calledBack() {
		core.idle = []*handle{first}
	} else {
		core.shared = first
	}
	validator := &nativeValidator{core}
	// For those who forget to close.
	runtime.AddCleanup(validator, (*nativeCore).close, core)
	return validator, nil
}

var process struct {
	sync.Mutex
	library *bindings.Library
}

func openLibrary(places native.Places) (*bindings.Library, error) {
	process.Lock()
	defer process.Unlock()
	library, err := native.Open(places)
	if err == nil && process.library == nil {
		process.library, err = bindings.Open(library)
	}
	return process.library, err
}

// running are the library's validators that are open, by number.
var running = &bindings.Live

// nativeValidator is what the caller holds: when nobody does any more, the core is closed.
type nativeValidator struct {
	core *nativeCore
}

// nativeCore is the options and the library's validators for them.
//
// Without functions of the caller one of those serves all calls at once. With them each running call has one of its
// own, because that is how a callback knows which call it belongs to; they are used again, so there are never more than
// there were calls at the same time.
type nativeCore struct {
	library *bindings.Library
	options Options
	shared  *handle
	users   users

	lock sync.Mutex
	idle []*handle
}

// handle is a validator of the library, and the call that it is used by.
type handle struct {
	*bindings.EmailValidator
	call call
}

func (core *nativeCore) calledBack() bool {
	return core.options.Lookups != nil || core.options.Logger != nil
}

// Check decides about one address.
func (validator *nativeValidator) Check(ctx context.Context, candidate string) (Decision, error) {
	defer runtime.KeepAlive(validator)
	own, err := validator.core.begin(ctx)
	if err != nil {
		return Decision{}, err
	}
	defer validator.core.end(own)
	text, err := own.Check(candidate)
	if err != nil {
		return Decision{}, own.failed(err)
	}
	defer text.Free()
	decision, known := decisionOf(text.Bytes())
	if err := own.finish(text, known); err != nil {
		return Decision{}, err
	}
	return decision, nil
}

// CheckBatch decides about many addresses in one call of the library.
func (validator *nativeValidator) CheckBatch(ctx context.Context, candidates []string) ([]Decision, error) {
	defer runtime.KeepAlive(validator)
	own, err := validator.core.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer validator.core.end(own)
	text, err := own.CheckBatch(candidates)
	if err != nil {
		return nil, own.failed(err)
	}
	defer text.Free()
	decisions, known := decisionsOf(text.Bytes(), len(candidates))
	if err := own.finish(text, known); err != nil {
		return nil, err
	}
	return decisions, nil
}

// Close frees the library's validators when no call uses them any more.
func (validator *nativeValidator) Close() error {
	validator.core.close()
	return nil
}

func (core *nativeCore) begin(ctx context.Context) (*handle, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if core.shared != nil {
		return core.shared, nil
	}
	if !core.users.enter() {
		return nil, failure(ErrClosed, "the validator was closed")
	}
	own, err := core.take()
	if err != nil {
		core.leave()
		return nil, err
	}
	own.call = call{ctx: ctx, options: &core.options}
	return own, nil
}

// end lets go of everything that begin took.
func (core *nativeCore) end(own *handle) {
	if own == core.shared {
		return
	}
	own.call = call{}
	core.lock.Lock()
	core.idle = append(core.idle, own)
	core.lock.Unlock()
	core.leave()
}

// take gives a handle that no other call uses.
func (core *nativeCore) take() (*handle, error) {
	core.lock.Lock()
	if last := len(core.idle) - 1; last >= 0 {
		own := core.idle[last]
		core.idle = core.idle[:last]
		core.lock.Unlock()
		return own, nil
	}
	core.lock.Unlock()
	return core.newHandle()
}

func (core *nativeCore) leave() {
	if core.users.leave() {
		core.free()
	}
}

func (core *nativeCore) close() {
	if core.shared != nil {
		core.shared.Close()
	} else if core.users.close() {
		core.free()
	}
}

// free is called once, when the core is closed and no call is running.
func (core *nativeCore) free() {
	for _, own := range core.idle {
		own.Close()
	}
	core.idle = nil
}

func (core *nativeCore) newHandle() (*handle, error) {
	own := &handle{call: call{ctx: context.Background(), options: &core.options}}
	options := &bindings.Options{BlockedEmails: make([]string, len(core.options.BlockedEmails))}
	for at, name := range core.options.BlockedEmails {
		options.BlockedEmails[at] = string(name)
	}
	if core.options.RequireTopLevelDomain {
		options.RequireTopLevelDomain = 1
	}
	if core.options.AllowDomainLiteral {
		options.AllowDomainLiteral = 1
	}
	var err error
	if own.EmailValidator, err = core.library.NewEmailValidator(options, own.callbacks()); err != nil {
		return nil, own.failed(err)
	}
	return own, own.call.finish()
}

// callbacks are the caller's functions, as far as there are any.
func (own *handle) callbacks() *bindings.Callbacks {
	options := own.call.options
	if options.Lookups == nil && options.Logger == nil && options.Observe == nil {
		return nil
	}
	callbacks := new(bindings.Callbacks)
	if options.Observe != nil {
		callbacks.Observe = func(function string, nanoseconds uint64, status bindings.Status) {
			var failed error
			if status != bindings.StatusOk {
				failed = codeOf(status)
			}
			options.Observe(function, time.Duration(nanoseconds), failed)
		}
	}
	if options.Logger != nil {
		callbacks.Log = func(level bindings.LogLevel, message string) {
			levels := [...]slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError}
			own.call.log(levels[level], message)
		}
	}
	for question, field := range map[EmailType]*func(string) int32{
		Free:        &callbacks.IsFreeEmail,
		Disposable:  &callbacks.IsDisposableEmail,
		NoMXRecords: &callbacks.HasMxRecords,
		NoGravatar:  &callbacks.HasGravatar,
	} {
		if options.answers(question) {
			*field = func(text string) int32 { return own.ask(question, text) }
		}
	}
	return callbacks
}

func (own *handle) ask(question EmailType, text string) int32 {
	answer, answered := own.call.ask(question, text)
	switch {
	case !answered:
		return -1
	case answer:
		return 1
	}
	return 0
}

// finish gives what a look-up failed with or panics as it did; a text that nobody can read is a fault of the library.
func (own *handle) finish(text bindings.Text, known bool) error {
	if err := own.call.finish(); err != nil || known {
		return err
	}
	return failure(ErrInternal, "the library gave a decision that this package cannot read: %.200s", text.Bytes())
}

// failed gives the error of a call that the library refused, or that a look-up ended.
func (own *handle) failed(err error) error {
	if err := own.call.finish(); err != nil {
		return err
	}
	if errors.Is(err, bindings.ErrClosed) {
		return failure(ErrClosed, "the validator was closed")
	}
	refused := (*bindings.Error)(nil)
	if !errors.As(err, &refused) {
		return failure(ErrInternal, "%v", err)
	}
	if refused.Status == bindings.StatusMissingCallback {
		name, _ := own.call.options.missing()
		return missingLookup(name)
	}
	return &Error{Code: codeOf(refused.Status), Message: refused.Message}
}

func codeOf(status bindings.Status) Code {
	switch status {
	case bindings.StatusMissingCallback:
		return ErrMissingLookup
	case bindings.StatusCallbackFailed:
		return ErrLookup
	case bindings.StatusTooLong:
		return ErrTooLong
	case bindings.StatusNotUtf8:
		return ErrNotUTF8
	case bindings.StatusUnknownEmailType:
		return ErrUnknownEmailType
	}
	return ErrInternal
}
