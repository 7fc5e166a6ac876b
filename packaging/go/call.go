package emailvalidator

import (
	"context"
	"fmt"
	"log/slog"
	"unicode/utf8"
)

const (
	maxLength = 1 << 20
	maxCount  = 1 << 20
)

// call is one call of the library and what the caller's functions did in it, on either road.
type call struct {
	ctx     context.Context
	options *Options
	failed  error
	// panicked is what a look-up or the logger panicked with. No panic may pass through foreign code, so that it is
	// kept here and raised again when the library has returned.
	panicked any
}

// ask asks a look-up. Once one has failed no other is asked: the decision is lost anyway.
func (c *call) ask(question EmailType, text string) (answer, answered bool) {
	defer c.recover()
	if c.failed != nil || c.panicked != nil {
		return false, false
	}
	if c.failed = c.ctx.Err(); c.failed != nil {
		return false, false
	}
	var err error
	switch lookups := c.options.Lookups; question {
	case Free:
		answer, err = lookups.IsFreeEmail(c.ctx, text)
	case Disposable:
		answer, err = lookups.IsDisposableEmail(c.ctx, text)
	case NoMXRecords:
		answer, err = lookups.HasMXRecords(c.ctx, text)
	case NoGravatar:
		answer, err = lookups.HasGravatar(c.ctx, text)
	}
	if err != nil {
		c.failed = &Error{Code: ErrLookup, Message: fmt.Sprintf("the look-up for %s failed: %v", question, err), Cause: err}
		return false, false
	}
	return answer, true
}

// log hands a message to the caller's logger.
func (c *call) log(level slog.Level, message string) {
	defer c.recover()
	if c.options.Logger != nil {
		c.options.Logger.Log(c.ctx, level, message)
	}
}

func (c *call) recover() {
	if value := recover(); value != nil && c.panicked == nil {
		c.panicked = value
	}
}

// finish is called when the library has returned: it gives what a look-up failed with, or panics as it did.
func (c *call) finish() error {
	if c.panicked != nil {
		panic(c.panicked)
	}
	return c.failed
}

// missing names a blocked type whose look-up was not given.
func (options *Options) missing() (EmailType, bool) {
	for _, name := range options.BlockedEmails {
		if name != Invalid && !options.answers(name) {
			return name, true
		}
	}
	return "", false
}

func (options *Options) answers(name EmailType) bool {
	funcs, some := options.Lookups.(LookupFuncs)
	if !some {
		return options.Lookups != nil
	}
	switch name {
	case Free:
		return funcs.Free != nil
	case Disposable:
		return funcs.Disposable != nil
	case NoMXRecords:
		return funcs.MXRecords != nil
	case NoGravatar:
		return funcs.Gravatar != nil
	}
	return false
}

func missingLookup(name EmailType) error {
	return failure(ErrMissingLookup, "%s needs a look-up, and Options.Lookups has none", name)
}

// readable refuses what is no text for the library, in the words of the native one.
func readable(what, text string) error {
	if len(text) > maxLength {
		return failure(ErrTooLong, "%s is longer than %d bytes", what, maxLength)
	}
	if !utf8.ValidString(text) {
		return failure(ErrNotUTF8, "%s is not UTF-8", what)
	}
	return nil
}
