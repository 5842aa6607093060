package syntax

import (
	"fmt"
	"strconv"
	"time"

	"github.com/dlclark/regexp2"
)

// regexTime is how long a pattern may search, and regexMax how many bytes of the reply
// it sees.
const (
	regexTime = time.Second
	regexMax  = 256 << 10
)

// prepareRegex reads the pattern of {regex:pattern}, {regex:pattern|group},
// {regex:input|pattern|group} and, where the file has a list of them, {regex:1|group}.
func prepareRegex(c *call, o Options) error {
	pattern, ok := c.args[c.patternAt()].plain()
	if !ok {
		return nil
	}
	if n, err := strconv.Atoi(pattern); err == nil && len(c.args) < 3 && (len(o.Regexes) > 0 || o.Form == Dollars) {
		if n < 1 || n > len(o.Regexes) {
			return fmt.Errorf("there is no pattern number %d in RegexList", n)
		}
		pattern = o.Regexes[n-1]
	}
	r, err := compile(pattern)
	if err != nil {
		return err
	}
	c.prepared = r
	return c.checkGroup(r)
}

// patternAt returns which argument is the pattern.
func (c *call) patternAt() int {
	if len(c.args) == 3 {
		return 1
	}
	return 0
}

// checkGroup finds groups that the pattern does not have.
func (c *call) checkGroup(r *regexp2.Regexp) error {
	if len(c.args) < 2 {
		return nil
	}
	group, ok := c.args[len(c.args)-1].plain()
	if !ok {
		return nil
	}
	if n, err := strconv.Atoi(group); err == nil {
		for _, known := range r.GetGroupNumbers() {
			if known == n {
				return nil
			}
		}
	}
	if r.GroupNumberFromName(group) >= 0 {
		return nil
	}
	return fmt.Errorf("its pattern has no group %s", cut(group))
}

func compile(pattern string) (*regexp2.Regexp, error) {
	r, err := regexp2.Compile(pattern, regexp2.None)
	if err != nil {
		return nil, fmt.Errorf("%s is no regular expression of .NET: %w", cut(pattern), err)
	}
	r.MatchTimeout = regexTime
	return r, nil
}

// regexValue returns the first match, or a group of it; "" where there is none.
func regexValue(e *Env, c *call, args []string) string {
	r, ok := c.prepared.(*regexp2.Regexp)
	if !ok {
		var err error
		if r, err = compile(args[c.patternAt()]); err != nil {
			e.trouble("the pattern in %s cannot be read", c)
			return ""
		}
	}
	input := ""
	if len(args) == 3 {
		input = args[0]
	} else {
		input = e.reply().Text
	}
	m, err := r.FindStringMatch(input[:min(len(input), regexMax)])
	if err != nil {
		e.trouble("the pattern in %s took too long", c)
		return ""
	}
	if m == nil {
		return ""
	}
	if len(args) == 1 {
		return m.String()
	}
	group := args[len(args)-1]
	if n, err := strconv.Atoi(group); err == nil && m.GroupByNumber(n) != nil {
		return m.GroupByNumber(n).String()
	}
	if g := m.GroupByName(group); g != nil {
		return g.String()
	}
	return ""
}
