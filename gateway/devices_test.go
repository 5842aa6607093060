package main

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestDevices lets cameras, scanners and programs speak FTP to whole gateways as
// they do, and looks that each ends with one upload of the right bytes under the
// right name, and with none of anything else. Those that do not say otherwise run
// three times: as they are, with the answer to the first file of each session lost,
// and with that file cut in its middle; the device then begins its session again.
//
// testdata/devices has a file for each family; its README says how they are
// written.
func TestDevices(t *testing.T) {
	files, err := filepath.Glob("testdata/devices/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no devices: %v", err)
	}
	gateways := map[string][]*deviceRun{}
	n := 0
	for _, file := range files {
		for _, d := range readDevices(t, file) {
			if _, ok := deviceGateways[d.gateway]; !ok {
				t.Fatalf("%s: there is no gateway %q", d.name, d.gateway)
			}
			runs := d.runs(n)
			n += len(runs)
			gateways[d.gateway] = append(gateways[d.gateway], runs...)
		}
	}
	for name, runs := range gateways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runDevices(t, deviceGateways[name], runs)
		})
	}
}

// deviceGateway is a gateway for devices that need it so.
type deviceGateway struct {
	quiet time.Duration
	more  string // of config.toml; it begins within [ftp]
}

// dropUser only drops files.
const dropUser = "guest"

const dropAccount = "\n[[user]]\nname = '" + dropUser + "'\npassword = 'env:PASSWORD'\nrights = 'drop'\n"

// deviceGateways: slow is for those that come back within the quiet time.
var deviceGateways = map[string]deviceGateway{
	"quick":  {50 * time.Millisecond, dropAccount},
	"slow":   {2 * time.Second, dropAccount},
	"active": {50 * time.Millisecond, "active = true" + dropAccount},
}

// devicesAtOnce is how many talk to a gateway at a time.
const devicesAtOnce = 8

func runDevices(t *testing.T, gw deviceGateway, runs []*deviceRun) {
	g := startIngestWith(t, gw.quiet, gw.more, nil)
	t.Run("send", func(t *testing.T) {
		var all sync.WaitGroup
		turns := make(chan struct{}, devicesAtOnce)
		for _, r := range runs {
			r.g = g
			turns <- struct{}{}
			all.Go(func() {
				t.Run(r.run, func(t *testing.T) {
					r.send(t)
					r.sent = !t.Failed()
				})
				<-turns
			})
		}
		all.Wait()
	})
	g.Settle(t)
	requests := 0
	left := slices.DeleteFunc(runs, func(r *deviceRun) bool { return !r.sent }) // failed, or left out by -run
	for _, r := range left {
		t.Run("arrived/"+r.run, r.arrived)
		requests += len(r.host)
	}
	if got := len(g.site.Requests()) - g.site.Probes(); got != requests && !t.Failed() {
		t.Errorf("the host got %d requests with a file, want %d", got, requests)
	}
}

// deviceRun is one device in one folder, with or without faults.
type deviceRun struct {
	*device
	landing
	user  string
	fault fault
	sent  bool         // all commands were answered as they should
	said  map[int]bool // verbs, by their lines
}

// runs returns how a device is run.
func (d *device) runs(n int) (all []*deviceRun) {
	faults := []fault{noFault}
	if !d.uncut && slices.ContainsFunc(d.lines, deviceLine.stores) {
		faults = append(faults, lostReply, cutInBody)
	}
	for _, user := range d.users {
		for _, f := range faults {
			name := strings.Join([]string{d.family, d.name, user, string(f)}, "/")
			dir := fmt.Sprintf("/in/%s-%d", d.family, n+len(all))
			all = append(all, &deviceRun{device: d, user: user, fault: f, said: map[int]bool{}, landing: landing{run: name, dir: dir, vars: map[string]string{
				"user": user, "password": ingestPassword, "dir": dir,
			}}})
		}
	}
	return all
}

// strangers is a file that a user who only drops files must not see.
const strangers = "strangers.jpg"

// send does what the device does.
func (r *deviceRun) send(t *testing.T) {
	r.begin(t)
	if r.user == dropUser {
		r.verb("given", []string{strangers, strangers})
		r.verb("stays", []string{strangers, strangers})
	}
	for _, lines := range r.blocks() {
		r.block(lines)
	}
}

// blocks returns the device's lines by control connection.
func (r *deviceRun) blocks() (all [][]deviceLine) {
	from := 0
	for i, l := range r.lines {
		if l.word == "connect" || l.word == "login" {
			all = append(all, r.lines[from:i])
			from = i
		}
	}
	return append(all, r.lines[from:])
}

// block is one control connection, repeated where it broke.
func (r *deviceRun) block(lines []deviceLine) {
	if r.fault != noFault && slices.ContainsFunc(lines, deviceLine.stores) {
		if err := r.talk(r.vars, r.fault, false).all(lines); !errors.Is(err, errCut) {
			r.Fatalf("%v, and not cut", err)
		}
		r.must(r.talk(r.vars, noFault, true).all(lines))
		return
	}
	if n := connections(lines); n > 1 {
		r.atOnce(lines, n)
		return
	}
	r.must(r.talk(r.vars, noFault, false).all(lines))
}

// connections is on how many connections a block is run at the same time.
func connections(lines []deviceLine) int {
	if len(lines) > 0 && len(lines[0].args) == 1 && lines[0].args[0] == "twice" {
		return 2
	}
	return 1
}

// atOnce runs a block on n connections. What follows the talk is said once.
func (r *deviceRun) atOnce(lines []deviceLine, n int) {
	end := slices.IndexFunc(lines, func(l deviceLine) bool { return deviceVerbs[l.word] > 0 })
	if end < 0 {
		end = len(lines)
	}
	done := make(chan error, n)
	for range n {
		go func() { done <- r.talk(maps.Clone(r.vars), noFault, false).all(lines[:end]) }()
	}
	for range n {
		r.must(<-done)
	}
	for _, l := range lines[end:] {
		r.once(l)
	}
}

// once does what a verb says, but not again where its session is repeated.
func (r *deviceRun) once(l deviceLine) {
	if !r.said[l.number] {
		r.said[l.number] = true
		r.verb(l.word, l.args)
	}
}
