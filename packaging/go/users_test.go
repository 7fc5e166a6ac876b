package emailvalidator

import (
	"sync"
	"sync/atomic"
	"testing"
)

func TestUsersAreToldToFreeExactlyOnce(t *testing.T) {
	for range 200 {
		var u users
		var freed, inside atomic.Int32
		var group sync.WaitGroup
		free := func(last bool) {
			if last && (freed.Add(1) > 1 || inside.Load() != 0) {
				t.Error("freed twice, or while somebody was inside")
			}
		}
		for worker := range 8 {
			group.Go(func() {
				for range 50 {
					if u.enter() {
						inside.Add(1)
						inside.Add(-1)
						free(u.leave())
					}
				}
				if worker%4 == 0 {
					free(u.close())
				}
			})
		}
		group.Wait()
		if freed.Load() != 1 || u.enter() {
			t.Fatal("closed users were freed", freed.Load(), "times")
		}
	}
}
