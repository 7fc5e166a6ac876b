//go:build (darwin || linux) && (amd64 || arm64) && !race

package emailvalidator

import "testing"

func TestNativeCheckAllocatesNothing(t *testing.T) {
	validator := nativeRoad.validator(t, Options{RequireTopLevelDomain: true})
	for _, candidate := range []string{"joe@example.com", "joe@"} {
		if each := testing.AllocsPerRun(1000, func() { validator.Check(background, candidate) }); each != 0 {
			t.Errorf("%q: %v allocations", candidate, each)
		}
	}
}
