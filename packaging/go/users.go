package emailvalidator

import "sync/atomic"

// users counts the calls that are running, and tells exactly once that there will be none any more.
type users struct {
	// state is the number of calls, plus closed once it is closed.
	state atomic.Int64
}

const closed = -1 << 62

// enter counts a call, unless it is closed. Whoever enters leaves.
func (u *users) enter() bool {
	for {
		count := u.state.Load()
		if count < 0 {
			return false
		}
		if u.state.CompareAndSwap(count, count+1) {
			return true
		}
	}
}

// leave says whether there will be no call any more.
func (u *users) leave() bool {
	return u.state.Add(-1) == closed
}

// close lets nobody enter any more, and says whether there will be no call any more.
func (u *users) close() bool {
	for {
		count := u.state.Load()
		if count < 0 {
			return false
		}
		if u.state.CompareAndSwap(count, count+closed) {
			return count == 0
		}
	}
}
