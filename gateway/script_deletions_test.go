package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// graceOfScripts is what a script sets so that deletions at hosts do not wait for ten
// minutes. The program itself has nothing of the kind.
const graceOfScripts = "SCRIPT_GRACE"

// mainOfScripts is main, with the grace that a script asks for.
func mainOfScripts() {
	grace, err := time.ParseDuration(os.Getenv(graceOfScripts))
	if err != nil {
		main()
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), stopSignals...)
	context.AfterFunc(ctx, stop)
	p := program{version: buildVersion(), getenv: os.LookupEnv, stderr: os.Stderr, grace: grace}
	os.Exit(p.run(ctx, os.Args[1:], os.Stdin, os.Stdout))
}

// cmdHolds waits until a site has so many different pictures.
func cmdHolds(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, "holds NAME COUNT")
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	s := siteNamed(ts, args[0])
	until(ts, func() (bool, string) {
		sums, _ := s.uploads()
		seen := make(map[string]bool)
		for _, sum := range sums {
			seen[sum] = true
		}
		return len(seen) == want, fmt.Sprintf("%s has %d pictures, not %d", args[0], len(seen), want)
	})
}
