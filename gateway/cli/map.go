package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"slipway/gateway/cli/show"
	"slipway/gateway/cli/urlmap"
	"slipway/gateway/operate"
	"slipway/gateway/strict"
)

func (p *program) mapCommand() *cobra.Command {
	var o operate.MapOptions
	var format, output string
	c := &cobra.Command{
		Use: "map PATH --from A --to B --format F", Short: "Write which old address has become which new one", Args: words(1, 1),
		Long: `Write the addresses of the files at or below PATH at one destination, each with the
address that takes its place at another: after "slipway replay", for what links to the
old ones. As --format:

  csv    a table: path, from, to (RFC 4180)
  json   the same, an object a line
  nginx  locations for the server that answered for the old addresses: each leads to
         the new one for good (301), by its exact path
  sed    a script for "sed -f", which changes the addresses in articles

It ends with 3 while a file that has an old address has no new one yet, and says how
many; those that have are written all the same. Of files that were overwritten, --previous
writes also the addresses of their earlier bytes, which lead to the present ones.`,
		Example: "  slipway map /holiday --from anh --to newhost --format sed > new.sed && sed -i.bak -f new.sed articles/*.html\n" +
			"  slipway map / --from anh --to newhost --format nginx --output /etc/nginx/slipway-map.conf",
		RunE: func(c *cobra.Command, args []string) error {
			o.Path = inside(args[0])
			switch {
			case o.From == "" || o.To == "":
				return usagef("say between which destinations, with --from and --to")
			case !slices.Contains(urlmap.Formats, format):
				return usagef("--format is one of %s; %s", strings.Join(urlmap.Formats, ", "), strict.Suggest(format, urlmap.Formats))
			case output == "" && c.Flags().Changed("output"):
				return usagef("--output is empty")
			}
			return p.with(c.Context(), NeedRecords, func(g operate.Gateway) error {
				if output == "" {
					return p.writeMap(c.Context(), g, o, format, "", p.Out)
				}
				return p.mapInto(c.Context(), g, o, format, output)
			})
		},
	}
	c.Flags().StringVar(&o.From, "from", "", "the `destination` of the old addresses")
	c.Flags().StringVar(&o.To, "to", "", "the `destination` of the new ones")
	c.Flags().StringVar(&format, "format", "csv", "the `form`: "+strings.Join(urlmap.Formats, ", "))
	c.Flags().StringVar(&o.Kind, "kind", operate.MapURLs, "which `address`: url, viewer or thumbnail")
	c.Flags().BoolVar(&o.Previous, "previous", false, "the addresses of files' earlier bytes too")
	c.Flags().StringVar(&output, "output", "", "a `file` to write to, whole or not at all, instead of the standard output")
	p.complete(c, "from", destinationNames)
	p.complete(c, "to", destinationNames)
	p.complete(c, "format", func(context.Context, operate.Gateway) []string { return urlmap.Formats })
	p.complete(c, "kind", func(context.Context, operate.Gateway) []string {
		return []string{operate.MapURLs, operate.MapViewers, operate.MapThumbnails}
	})
	return c
}

// mapInto writes a map to a file, which is replaced once the map is whole.
func (p *program) mapInto(ctx context.Context, g operate.Gateway, o operate.MapOptions, format, output string) error {
	f, err := os.CreateTemp(filepath.Dir(output), "."+filepath.Base(output)+".*.tmp")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // where it was not renamed
	result := p.writeMap(ctx, g, o, format, filepath.Dir(output), f)
	late := (*exitError)(nil)
	if result != nil && !errors.As(result, &late) {
		return errors.Join(result, f.Close())
	}
	// As others read it who may read files that are made here, such as a web server.
	if err := errors.Join(f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), output); err != nil {
		return err
	}
	return result
}

// mapReasons is how many files without a new address are named.
const mapReasons = 5

// writeMap writes a map to w.
func (p *program) writeMap(ctx context.Context, g operate.Gateway, o operate.MapOptions, format, dir string, w io.Writer) (err error) {
	out, err := urlmap.New(w, format, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	missing := 0
	for m, err := range g.Map(ctx, o) {
		if err != nil {
			return err
		}
		if m.To != "" {
			if err := out.Add(urlmap.Pair{Path: m.Path, From: m.From, To: m.To}); err != nil {
				return fmt.Errorf("the map cannot be written: %w", err)
			}
			continue
		}
		if missing++; missing <= mapReasons {
			p.Note("%s: %s", m.Path, m.Missing)
		}
	}
	notes, err := out.End()
	if err != nil {
		return fmt.Errorf("the map cannot be written: %w", err)
	}
	for _, note := range notes {
		p.Note("%s", note)
	}
	if missing > 0 {
		return &exitError{exitLate, fmt.Errorf("%s %s no new one yet; `slipway replay %s --to %s --wait` sends what is not at %s",
			show.Count(missing, "old URL"), have(missing), o.Path, o.To, o.To)}
	}
	return nil
}

func have(n int) string {
	if n == 1 {
		return "has"
	}
	return "have"
}
