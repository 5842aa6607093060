// Package crashtest kills the program with SIGKILL, again and again, while people
// put, replace, move, copy and delete pictures and hosts take them, and then looks
// whether anything that was acknowledged is lost or was sent twice.
//
// TestKill is the short form. The environment changes it:
//
//	SLIPWAY_CRASH_KILLS=200     kills instead of 8; `make crash`
//	SLIPWAY_CRASH_SEED=12345    the seed that an earlier run printed
//	SLIPWAY_TEST_PROGRAM=PATH   a program that is built already
//
// What a kill cannot show is a power cut: what the kernel was given survives the
// process. That is the business of the tests of vfs/blob on a failing disk.
package crashtest

import "sync"

// Event is a moment in which a kill may strike.
type Event string

// The events.
const (
	PutBegun   Event = "a client's first bytes were read"
	PutHalf    Event = "half of a client's file was read"
	PutSent    Event = "a client's last byte was read"
	Acked      Event = "a client got its 201"
	HostBegun  Event = "a host's request began"
	HostHalf   Event = "a host had half of a picture"
	HostStored Event = "a host had stored a picture and not said so"
	HostSaid   Event = "a host had said so"
)

// Events lists them all.
var Events = []Event{PutBegun, PutHalf, PutSent, Acked, HostBegun, HostHalf, HostStored, HostSaid}

// Hazard strikes at the n-th of an event. It is safe for concurrent use.
type Hazard struct {
	mu     sync.Mutex
	event  Event
	left   int
	strike func()
}

// Arm sets what strikes, and when.
func (h *Hazard) Arm(e Event, n int, strike func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.event, h.left, h.strike = e, n, strike
}

// At says that e happens now. It returns when what it struck is dead, so that
// nothing comes between.
func (h *Hazard) At(e Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.strike == nil || e != h.event {
		return
	}
	if h.left--; h.left <= 0 {
		h.strike()
		h.strike = nil
	}
}
