package custom

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"slipway/uploader"
)

// Says are regular expressions (RE2) over what a host says where it refuses, which is
// what Result.Error comes to. They go before the driver's own reading of statuses and
// words: there are hosts that answer everything with one status, or in another language.
type Says struct {
	// Wait: it takes no more for now. Account: it is the account's fault, its key or
	// its room, so that the destination pauses. File: it will never take this file.
	Wait, Account, File []string
}

// says are the expressions, compiled.
type says struct{ wait, account, file []*regexp.Regexp }

// sayings compiles the configuration's expressions.
func (b *builder) sayings() {
	for _, list := range []struct {
		key   string
		texts []string
		to    *[]*regexp.Regexp
	}{{"wait", b.config.Says.Wait, &b.says.wait}, {"account", b.config.Says.Account, &b.says.account}, {"file", b.config.Says.File, &b.says.file}} {
		for _, text := range list.texts {
			re, err := regexp.Compile(text)
			if err != nil || text == "" {
				b.errs = append(b.errs, fmt.Errorf("says.%s: %q is no regular expression: %v", list.key, text, err))
				continue
			}
			*list.to = append(*list.to, re)
		}
	}
}

// none reports whether nothing is to be looked for.
func (s says) none() bool { return len(s.wait)+len(s.account)+len(s.file) == 0 }

// bySayings judges by the configuration's expressions, and reports whether one of them
// fits; quoted is as byWords has it.
func (a *attempt) bySayings(e *uploader.Error, quoted string) bool {
	if quoted == "" || a.recipe.says.none() {
		return false
	}
	said := strings.TrimSuffix(strings.TrimPrefix(quoted, `; it says "`), `"`)
	fits := func(list []*regexp.Regexp) bool {
		for _, re := range list {
			if re.MatchString(said) {
				return true
			}
		}
		return false
	}
	switch s := a.recipe.says; {
	case fits(s.wait):
		e.Kind, e.After, e.Message = uploader.RetryAfter, time.Minute, "the host takes no more for now"
	case fits(s.account):
		e.Kind, e.Message, e.Remedy = uploader.Refused, "the host does not accept this account", "check the destination's secrets and headers, and the account and its room at the host"
	case fits(s.file):
		e.Kind, e.Message, e.Remedy = uploader.Permanent, "the host does not take this file", "convert the file, make it smaller, or send it to another destination"
	default:
		return false
	}
	e.Message += quoted
	return true
}

// leftOut reports whether a parameter, header or argument is not sent: it is made of
// keys, and none of them is said.
func (a *attempt) leftOut(n named, value string) bool {
	if !n.optional || value == "" {
		return n.optional
	}
	for _, use := range n.value.Uses() {
		if use.Name == "key" && key(a.picture.Keys, strings.ToLower(use.Arg), "") != "" {
			return false
		}
	}
	return true
}
