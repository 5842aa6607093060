package cli

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"slipway/gateway/cli/show"
	"slipway/gateway/operate"
	"slipway/gateway/progress"
)

func (p *program) lsCommand() *cobra.Command {
	long, asJSON := false, false
	c := &cobra.Command{
		Use: "ls [PATH]", Short: "List a folder with states and URLs", Args: words(0, 1),
		Long: `List a folder, or one file, with the state of the uploads and the URL. Of a file with
several destinations the state is the one that needs most attention, and the URL is
the first one's; -l has a line for each.`,
		RunE: func(c *cobra.Command, args []string) error {
			dir := "/"
			if len(args) > 0 {
				dir = inside(args[0])
			}
			return p.with(c.Context(), NeedRecords, func(g operate.Gateway) error {
				line, end := p.lister(long, asJSON)
				defer end()
				for e, err := range g.List(c.Context(), dir) {
					if err != nil {
						return err
					}
					if err := line(e); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	c.Flags().BoolVarP(&long, "long", "l", false, "more about each, a line for each destination")
	jsonFlag(c, &asJSON)
	return c
}

// lister returns what shows an entry, and what ends the list.
func (p *program) lister(long, asJSON bool) (line func(operate.Entry) error, end func()) {
	if asJSON {
		return func(e operate.Entry) error { return p.Object(entryForScripts(e)) }, func() {}
	}
	if !long {
		t := show.NewTable(p.Out, "STATE", "NAME", "URL")
		return func(e operate.Entry) error {
			s := summary(e)
			t.Row(show.Or(s.State), name(e), show.Or(s.URL))
			return p.Out.Err
		}, t.End
	}
	t := show.NewTable(p.Out, "SIZE", "MODIFIED", "STATE", "DESTINATION", "UPLOAD", "NAME", "URL")
	return func(e operate.Entry) error {
		size := progress.Bytes(e.Size)
		if e.Dir {
			size = "-"
		}
		now := present(e)
		if len(now) == 0 {
			now = []operate.Upload{{}}
		}
		for _, u := range now {
			id := "-"
			if u.ID != 0 {
				id = fmt.Sprint(u.ID)
			}
			t.Row(size, show.When(e.Modified), show.Or(u.State), show.Or(u.Destination), id, name(e), show.Or(u.URL))
		}
		return p.Out.Err
	}, t.End
}

// name is an entry's name as a list shows it.
func name(e operate.Entry) string {
	s := show.Plain(path.Base(e.Path))
	if e.Dir {
		s = strings.TrimSuffix(s, "/") + "/"
	}
	return s
}

// entry is an entry for scripts, with the upload that says most at the top.
type entry struct {
	operate.Entry
	Destination string        `json:"destination"`
	State       string        `json:"state"`
	Reason      string        `json:"reason"`
	Attempts    int           `json:"attempts"`
	Due         *time.Time    `json:"due"`
	URL         string        `json:"url"`
	Error       string        `json:"error"`
	Uploads     []show.Upload `json:"uploads"`
}

func entryForScripts(e operate.Entry) entry {
	s := summary(e)
	out := entry{Entry: e, Destination: s.Destination, State: s.State, Reason: s.Reason, Attempts: s.Attempts,
		Due: show.Due(s), URL: s.URL, Error: s.Error, Uploads: []show.Upload{}}
	for _, u := range e.Uploads {
		out.Uploads = append(out.Uploads, show.ForScripts(u))
	}
	return out
}

// attention orders states by how much they need a person's.
var attention = []string{"failed", "ambiguous", "held", "sending", "settling", "awaiting", "done", "superseded", "dropped"}

// summary is the upload of e's present bytes that needs most attention, with the
// first URL that there is.
func summary(e operate.Entry) (s operate.Upload) {
	now := present(e)
	if len(now) == 0 {
		return s
	}
	s = slices.MinFunc(now, func(a, b operate.Upload) int {
		return slices.Index(attention, a.State) - slices.Index(attention, b.State)
	})
	for _, u := range now {
		if u.URL != "" {
			s.URL = u.URL
			break
		}
	}
	return s
}

// present returns the uploads of e's present bytes.
func present(e operate.Entry) []operate.Upload {
	return slices.DeleteFunc(slices.Clone(e.Uploads), func(u operate.Upload) bool { return !u.Present })
}
