package emailvalidator

import (
	"context"
	"slices"
)

var background = context.Background()

func in(texts ...string) Lookup {
	return func(_ context.Context, text string) (bool, error) { return slices.Contains(texts, text), nil }
}

var lookups = LookupFuncs{
	Free:       in("gmail.com"),
	Disposable: in("mailinator.com"),
	MXRecords:  in("example.com", "xn--exmple-cua.com"),
	Gravatar:   in("joe@example.com"),
}

var allTypes = types[:]
