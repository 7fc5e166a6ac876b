package emailvalidator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"example.org/ferrule/email-validator/internal/ferrule/wasm"
)

// OpenWasm makes a validator that runs the WebAssembly module inside Go: on every platform, without a library to find.
//
// The module that this package carries is compiled at the first call in a process, which takes some 100 milliseconds,
// and kept for all validators. Each validator has instances of its own, as many as there were calls at the same time;
// those that are idle are kept, at most two for each processor.
//
// The error is ErrLibrary, ErrForeignLibrary, ErrUnknownEmailType, ErrMissingLookup, ErrTooLong or ErrNotUTF8.
func OpenWasm(options Options, with ...WasmOption) (Validator, error) {
	var chosen wasmChoice
	for _, option := range with {
		option(&chosen)
	}
	options.BlockedEmails = append([]EmailType(nil), options.BlockedEmails...)
	names, err := options.names()
	if err != nil {
		return nil, err
	}
	component, err := bindModule(chosen)
	if err != nil {
		return nil, err
	}
	validator := &wasmValidator{component: component, options: options, config: wasm.EmailValidationConfig{
		RequireTopLevelDomain: options.RequireTopLevelDomain,
		AllowDomainLiteral:    options.AllowDomainLiteral,
		BlockedEmails:         names,
	}}
	understood := false
	defer func() {
		if !understood {
			component.Close()
		}
	}()
	if err := validator.tried(); err != nil {
		return nil, err
	}
	understood = true
	return validator, nil
}

// WasmOption says how the WebAssembly module is run.
type WasmOption func(chosen *wasmChoice)

type wasmChoice struct {
	code    []byte
	options wasm.Options
}

// ModuleCode is another module of the same interface, to be run in place of the one that this package carries. It is
// compiled for each validator.
func ModuleCode(code []byte) WasmOption {
	return func(chosen *wasmChoice) { chosen.code = code }
}

// MaxInstances limits how many calls of a validator run at once; further ones wait for one of them, or for their
// context. Look-ups that call their own validator can then wait for themselves.
func MaxInstances(count int) WasmOption {
	return func(chosen *wasmChoice) { chosen.options.MaxInstances = count }
}

// module is the module that this package carries, compiled.
var module struct {
	sync.Mutex
	compiled *wasm.Module
}

func bindModule(chosen wasmChoice) (*wasm.Component, error) {
	ctx := context.Background()
	if chosen.code != nil || chosen.options != (wasm.Options{}) {
		compiled, err := wasm.Compile(ctx, chosen.code, chosen.options)
		if err != nil {
			return nil, moduleError(err)
		}
		component, err := compiled.Bind(ctx, imports)
		// The code is freed when the component is closed.
		return component, moduleError(errors.Join(err, compiled.Close()))
	}
	module.Lock()
	defer module.Unlock()
	if module.compiled == nil {
		compiled, err := wasm.Compile(ctx, nil, chosen.options)
		if err != nil {
			return nil, moduleError(err)
		}
		module.compiled = compiled
	}
	component, err := module.compiled.Bind(ctx, imports)
	return component, moduleError(err)
}

func moduleError(err error) error {
	if err == nil {
		return nil
	}
	code := ErrLibrary
	if errors.Is(err, wasm.ErrForeign) {
		code = ErrForeignLibrary
	}
	return &Error{Code: code, Message: err.Error(), Cause: err}
}

// names are the blocked types as the module takes them.
func (options *Options) names() ([]string, error) {
	if len(options.BlockedEmails) > maxCount {
		return nil, failure(ErrTooLong, "blocked_emails has more than %d items", maxCount)
	}
	names := make([]string, len(options.BlockedEmails))
	for at, name := range options.BlockedEmails {
		if err := readable("a name in blocked_emails", string(name)); err != nil {
			return nil, ofItem(at, err)
		}
		names[at] = string(name)
	}
	return names, nil
}

// ofItem says which of many it was.
func ofItem(at int, err error) error {
	var found *Error
	if errors.As(err, &found) {
		found.Message = fmt.Sprintf("item %d: %s", at, found.Message)
	}
	return err
}

// wasmValidator is a component with its options; the component is closed when nobody holds it any more.
type wasmValidator struct {
	component *wasm.Component
	options   Options
	config    wasm.EmailValidationConfig
}

// tried has the module read the options: an empty candidate needs no look-up.
func (validator *wasmValidator) tried() error {
	options := validator.options
	options.Observe = nil
	if options.Logger != nil {
		options.Logger = faultsOnly{options.Logger}
	}
	if _, err := validator.check(context.Background(), "", &options); err != nil {
		return err
	}
	if name, missing := options.missing(); missing {
		return missingLookup(name)
	}
	return nil
}

// faultsOnly lets through what is said of the options, and nothing of an address.
type faultsOnly struct {
	Logger
}

func (logger faultsOnly) Log(ctx context.Context, level slog.Level, message string, arguments ...any) {
	if level >= slog.LevelWarn {
		logger.Logger.Log(ctx, level, message, arguments...)
	}
}

// Check decides about one address.
func (validator *wasmValidator) Check(ctx context.Context, candidate string) (Decision, error) {
	if err := ctx.Err(); err != nil {
		return Decision{}, err
	}
	if err := readable("candidate", candidate); err != nil {
		return Decision{}, err
	}
	return validator.check(ctx, candidate, &validator.options)
}

// CheckBatch decides about many addresses, in one call of the module each.
func (validator *wasmValidator) CheckBatch(ctx context.Context, candidates []string) ([]Decision, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(candidates) > maxCount {
		return nil, failure(ErrTooLong, "candidates has more than %d items", maxCount)
	}
	for at, candidate := range candidates {
		if err := readable("the candidate", candidate); err != nil {
			return nil, ofItem(at, err)
		}
	}
	if len(candidates) == 0 {
		_, err := validator.check(ctx, "", &Options{})
		return []Decision{}, err
	}
	decisions := make([]Decision, len(candidates))
	for at, candidate := range candidates {
		var err error
		if decisions[at], err = validator.check(ctx, candidate, &validator.options); err != nil {
			return nil, err
		}
	}
	return decisions, nil
}

// Close frees the instances when no call uses them any more.
func (validator *wasmValidator) Close() error {
	return validator.component.Close()
}

func (validator *wasmValidator) check(ctx context.Context, candidate string, options *Options) (Decision, error) {
	if options.Observe == nil {
		return validator.decide(ctx, candidate, options)
	}
	started := time.Now()
	decision, err := validator.decide(ctx, candidate, options)
	var failed error
	if code := Code(0); errors.As(err, &code) {
		failed = code
	} else if err != nil {
		failed = ErrLookup // the context's own error, which a look-up met
	}
	options.Observe("is-valid-email", time.Since(started), failed)
	return decision, err
}

func (validator *wasmValidator) decide(ctx context.Context, candidate string, options *Options) (Decision, error) {
	own := calls.Get().(*callContext)
	own.Context, own.call = ctx, call{ctx: ctx, options: options}
	text, err := validator.component.IsValidEmail(own, candidate, validator.config)
	failed, panicked := own.call.failed, own.call.panicked
	*own = callContext{}
	calls.Put(own)
	if panicked != nil {
		panic(panicked)
	}
	if failed != nil {
		return Decision{}, failed
	}
	if err != nil {
		return Decision{}, callError(ctx, err)
	}
	decision, known := decisionOf([]byte(text))
	if !known {
		return Decision{}, failure(ErrInternal, "the module gave a decision that this package cannot read: %.200s", text)
	}
	return decision, nil
}

func callError(ctx context.Context, err error) error {
	var refused wasm.Error[string]
	switch {
	case errors.As(err, &refused):
		return &Error{Code: ErrUnknownEmailType, Message: refused.Value}
	case errors.Is(err, wasm.ErrClosed):
		return failure(ErrClosed, "the validator was closed")
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return ctx.Err()
	}
	return &Error{Code: ErrInternal, Message: err.Error(), Cause: err}
}

// callContext is how an import knows which call it belongs to. They are pooled, so that a call allocates none.
type callContext struct {
	context.Context
	call call
}

type callKey struct{}

// Value gives the call; all else is the caller's.
func (own *callContext) Value(key any) any {
	if key == (callKey{}) {
		return &own.call
	}
	return own.Context.Value(key)
}

var calls = sync.Pool{New: func() any { return new(callContext) }}

// imports are the look-ups and the logger of all validators: each call brings its own.
var imports = wasm.Imports{Logger: wasmLogger{}, Overrides: wasmLookups{}}

func callIn(ctx context.Context) *call {
	return ctx.Value(callKey{}).(*call)
}

type wasmLookups struct{}

func (wasmLookups) IsFreeEmail(ctx context.Context, domain string) bool {
	return asked(ctx, Free, domain)
}

func (wasmLookups) IsDisposableEmail(ctx context.Context, domain string) bool {
	return asked(ctx, Disposable, domain)
}

func (wasmLookups) HasMxRecords(ctx context.Context, domain string) bool {
	return asked(ctx, NoMXRecords, domain)
}

func (wasmLookups) HasGravatar(ctx context.Context, email string) bool {
	return asked(ctx, NoGravatar, email)
}

// asked gives an answer; what it is does not matter once a look-up has failed, because its error is returned then.
func asked(ctx context.Context, question EmailType, text string) bool {
	answer, _ := callIn(ctx).ask(question, text)
	return answer
}

type wasmLogger struct{}

func (wasmLogger) Debug(ctx context.Context, message string) {
	callIn(ctx).log(slog.LevelDebug, message)
}

func (wasmLogger) Log(ctx context.Context, message string) {
	callIn(ctx).log(slog.LevelInfo, message)
}

func (wasmLogger) Warn(ctx context.Context, message string) {
	callIn(ctx).log(slog.LevelWarn, message)
}

func (wasmLogger) Error(ctx context.Context, message string) {
	callIn(ctx).log(slog.LevelError, message)
}
