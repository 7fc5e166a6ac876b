//go:build (darwin || linux) && (amd64 || arm64)

package emailvalidator

import (
	"context"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/ebitengine/purego"

	"example.org/ferrule/email-validator/internal/ferrule/native"
)

// abiVersion is the version of the C interface that is declared below.
const abiVersion = 1

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
		return nil, err
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

// functions are the addresses of what email_validator.h declares.
type functions struct {
	create, free, check, checkBatch, stringFree, lastError uintptr
}

var process struct {
	sync.Mutex
	functions *functions
}

func openLibrary(places native.Places) (*functions, error) {
	process.Lock()
	defer process.Unlock()
	library, err := native.Open(places)
	if err != nil {
		return nil, libraryError(err)
	}
	if process.functions == nil {
		found, err := functionsOf(library)
		if err != nil {
			return nil, err
		}
		process.functions = found
	}
	return process.functions, nil
}

func functionsOf(library *native.Library) (*functions, error) {
	var found functions
	var version uintptr
	for name, address := range map[string]*uintptr{
		"abi_version": &version, "new": &found.create, "free": &found.free, "check": &found.check,
		"check_batch": &found.checkBatch, "string_free": &found.stringFree, "last_error": &found.lastError,
	} {
		var err error
		if *address, err = library.Function("email_validator_" + name); err != nil {
			return nil, libraryError(err)
		}
	}
	if is, _, _ := purego.SyscallN(version); uint32(is) != abiVersion {
		return nil, failure(ErrForeignLibrary,
			"%s has version %d of the C interface, and this package needs %d", library.Path, uint32(is), abiVersion)
	}
	return &found, nil
}

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
	library *functions
	options Options
	shared  *handle
	users   users

	lock sync.Mutex
	idle []*handle
}

// handle is a validator of the library. Its number is what callbacks get, and its call the one that it is used by.
type handle struct {
	pointer unsafe.Pointer
	number  uintptr
	call    call
}

func (core *nativeCore) calledBack() bool {
	return core.options.Lookups != nil || core.options.Logger != nil
}

// Check decides about one address.
func (validator *nativeValidator) Check(ctx context.Context, candidate string) (Decision, error) {
	core := validator.core
	out, err := core.begin(ctx)
	if err != nil {
		return Decision{}, err
	}
	defer core.end(out)
	runtime.LockOSThread()
	status := out.call(core.library.check, uintptr(unsafe.Pointer(unsafe.StringData(candidate))), uintptr(len(candidate)))
	if err := core.outcome(out, status); err != nil {
		return Decision{}, err
	}
	decision, known := decisionOf(unsafe.Slice(out.text, out.length))
	if !known {
		return Decision{}, core.strange(out)
	}
	return decision, nil
}

// CheckBatch decides about many addresses in one call of the library.
func (validator *nativeValidator) CheckBatch(ctx context.Context, candidates []string) ([]Decision, error) {
	core := validator.core
	out, err := core.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer core.end(out)
	runtime.LockOSThread()
	// A string is a pointer and a length, as EmailValidatorText is, so that the slice is the array that is asked for.
	status := out.call(core.library.checkBatch, uintptr(unsafe.Pointer(unsafe.SliceData(candidates))), uintptr(len(candidates)))
	if err := core.outcome(out, status); err != nil {
		return nil, err
	}
	decisions, known := decisionsOf(unsafe.Slice(out.text, out.length), len(candidates))
	if !known {
		return nil, core.strange(out)
	}
	return decisions, nil
}

// Close frees the library's validators when no call uses them any more.
func (validator *nativeValidator) Close() error {
	validator.core.close()
	return nil
}

// result is where the library writes to, and the handle of the call. They are pooled, since Go could not keep on its
// stack what foreign code writes to.
type result struct {
	text      *byte
	length    uintptr
	handle    *handle
	arguments [5]uintptr
}

var results = sync.Pool{New: func() any { return new(result) }}

// call calls a function that takes a validator, data and its length, and places for a text and its length. The pragma
// keeps the data alive and where it is, as for SyscallN itself; the arguments are kept here because it would allocate.
//
//go:uintptrescapes
func (out *result) call(function, data, length uintptr) int32 {
	out.arguments = [...]uintptr{
		uintptr(out.handle.pointer), data, length,
		uintptr(unsafe.Pointer(&out.text)), uintptr(unsafe.Pointer(&out.length)),
	}
	status, _, _ := purego.SyscallN(function, out.arguments[:]...)
	return int32(status)
}

func (core *nativeCore) begin(ctx context.Context) (*result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !core.users.enter() {
		return nil, failure(ErrClosed, "the validator was closed")
	}
	own := core.shared
	if own == nil {
		var err error
		if own, err = core.take(); err != nil {
			core.leave()
			return nil, err
		}
		own.call = call{ctx: ctx, options: &core.options}
	}
	out := results.Get().(*result)
	out.handle = own
	return out, nil
}

// outcome gives what the caller's functions or the library failed with. The thread was locked, because the message is
// kept per thread.
func (core *nativeCore) outcome(out *result, status int32) error {
	if status == 0 && core.shared != nil {
		runtime.UnlockOSThread()
		return nil
	}
	defer runtime.UnlockOSThread()
	if err := out.handle.call.finish(); err != nil {
		return err
	}
	if status == 0 {
		return nil
	}
	return core.library.failed(status)
}

// end frees the library's text and lets go of everything that begin took.
func (core *nativeCore) end(out *result) {
	if out.text != nil {
		out.arguments[0] = uintptr(unsafe.Pointer(out.text))
		purego.SyscallN(core.library.stringFree, out.arguments[:1]...)
	}
	own := out.handle
	*out = result{}
	results.Put(out)
	if own != core.shared {
		own.call = call{}
		core.lock.Lock()
		core.idle = append(core.idle, own)
		core.lock.Unlock()
	}
	core.leave()
}

func (core *nativeCore) strange(out *result) error {
	text := unsafe.String(out.text, min(out.length, 200))
	return failure(ErrInternal, "the library gave a decision that this package cannot read: %s", strings.Clone(text))
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
	if core.users.close() {
		core.free()
	}
}

// free is called once, when the core is closed and no call is running.
func (core *nativeCore) free() {
	all := core.idle
	if core.shared != nil {
		all = append(all, core.shared)
	}
	for _, own := range all {
		core.discard(own)
	}
	core.idle, core.shared = nil, nil
}

func (core *nativeCore) discard(own *handle) {
	purego.SyscallN(core.library.free, uintptr(own.pointer))
	running.Delete(own.number)
}

// EmailValidatorOptions and EmailValidatorCallbacks of email_validator.h.
type (
	nativeOptions struct {
		size                  uint32
		requireTopLevelDomain bool
		allowDomainLiteral    bool
		_                     [2]uint8
		blockedEmails         *EmailType
		blockedEmailsCount    uintptr
	}
	nativeCallbacks struct {
		size     uint32
		_        uint32
		userData uintptr
		lookups  [4]uintptr
		log      uintptr
		observe  uintptr
	}
)

// running are the handles by their numbers: foreign code keeps numbers, never pointers into Go.
var (
	running sync.Map
	numbers atomic.Uintptr
)

func (core *nativeCore) newHandle() (*handle, error) {
	own := &handle{number: numbers.Add(1), call: call{ctx: context.Background(), options: &core.options}}
	options := &nativeOptions{
		size:                  uint32(unsafe.Sizeof(nativeOptions{})),
		requireTopLevelDomain: core.options.RequireTopLevelDomain,
		allowDomainLiteral:    core.options.AllowDomainLiteral,
		blockedEmails:         unsafe.SliceData(core.options.BlockedEmails),
		blockedEmailsCount:    uintptr(len(core.options.BlockedEmails)),
	}
	functions := &nativeCallbacks{size: uint32(unsafe.Sizeof(nativeCallbacks{})), userData: own.number}
	if core.calledBack() {
		made := callbacks()
		functions.log = made.log
		for at, lookup := range made.lookups {
			if core.options.answers(types[at]) {
				functions.lookups[at] = lookup
			}
		}
	}
	running.Store(own.number, own)
	made := false
	defer func() {
		if !made { // also where the logger panicked
			core.discard(own)
		}
	}()
	if err := core.create(own, options, functions); err != nil {
		return nil, err
	}
	made = true
	return own, nil
}

func (core *nativeCore) create(own *handle, options *nativeOptions, functions *nativeCallbacks) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	status, _, _ := purego.SyscallN(core.library.create, uintptr(unsafe.Pointer(options)),
		uintptr(unsafe.Pointer(functions)), uintptr(unsafe.Pointer(&own.pointer)))
	if err := own.call.finish(); err != nil {
		return err
	}
	if int32(status) == statusMissingCallback {
		name, _ := core.options.missing()
		return missingLookup(name)
	}
	if int32(status) != 0 {
		return core.library.failed(int32(status))
	}
	return nil
}

// What EmailValidatorStatus has that is no fault of this package.
const (
	statusTooLong          = 4
	statusNotUTF8          = 5
	statusUnknownEmailType = 7
	statusMissingCallback  = 8
)

// failed gives the error of a status; the library's message is the one of the last call in this thread.
func (library *functions) failed(status int32) error {
	code, known := map[int32]Code{
		statusTooLong:          ErrTooLong,
		statusNotUTF8:          ErrNotUTF8,
		statusUnknownEmailType: ErrUnknownEmailType,
	}[status]
	if !known {
		code = ErrInternal
	}
	return &Error{Code: code, Message: library.message()}
}

func (library *functions) message() string {
	buffer := make([]byte, 256)
	for {
		length, _, _ := purego.SyscallN(library.lastError,
			uintptr(unsafe.Pointer(unsafe.SliceData(buffer))), uintptr(len(buffer)))
		if int(length) < len(buffer) {
			return string(buffer[:length])
		}
		buffer = make([]byte, length+1)
	}
}

// callbacks are made once in a process, because what is made for foreign code to call is never freed.
var callbacks = sync.OnceValue(func() (made struct {
	lookups [4]uintptr
	log     uintptr
}) {
	for at := range made.lookups {
		question := types[at]
		made.lookups[at] = purego.NewCallback(func(number uintptr, text *byte, length uintptr) int32 {
			answer, answered := callOf(number).ask(question, strings.Clone(unsafe.String(text, length)))
			switch {
			case !answered:
				return -1
			case answer:
				return 1
			}
			return 0
		})
	}
	levels := [...]slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError}
	made.log = purego.NewCallback(func(number uintptr, level int32, text *byte, length uintptr) {
		callOf(number).log(levels[level], strings.Clone(unsafe.String(text, length)))
	})
	return made
})

func callOf(number uintptr) *call {
	found, _ := running.Load(number)
	return &found.(*handle).call
}
