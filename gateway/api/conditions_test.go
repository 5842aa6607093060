package api_test

import (
	"fmt"
	"sync"
	"testing"
)

// TestConditionsAtOnce: of many who ask for the same at once, with a condition that
// holds for one of them alone, one gets it.
func TestConditionsAtOnce(t *testing.T) {
	w := newWorld(t)
	const many = 6
	race := func(method, target string, headers ...string) (done int) {
		t.Helper()
		var all sync.WaitGroup
		status := make([]int, many)
		for i := range many {
			all.Go(func() {
				var body any
				if method == "PUT" {
					body = picture(uint64(i))
				}
				status[i] = w.ask(method, target, body, headers...).StatusCode
			})
		}
		all.Wait()
		for _, s := range status {
			switch {
			case s < 300:
				done++
			case s != 412 && s != 404:
				t.Errorf("%s %s: %d", method, target, s)
			}
		}
		return done
	}
	for round := range 10 {
		target := fmt.Sprintf("/api/v1/files/in/%d.jpg", round)
		if n := race("PUT", target, "If-None-Match", "*"); n != 1 {
			t.Errorf("%d have made the same new file", n)
		}
		tag := w.ask("GET", target, nil).Header.Get("ETag")
		w.ask("PUT", target, picture(99))
		if n := race("PUT", target, "If-Match", tag); n != 0 {
			t.Errorf("%d have replaced what it was not any more", n)
		}
		tag = w.ask("GET", target, nil).Header.Get("ETag")
		if n := race("PUT", target, "If-Match", tag); n != 1 {
			t.Errorf("%d have replaced the same bytes", n)
		}
		tag = w.ask("GET", target, nil).Header.Get("ETag")
		if n := race("DELETE", target, "If-Match", tag); n != 1 {
			t.Errorf("%d have removed the same file", n)
		}
	}
}
