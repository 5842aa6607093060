package cli

import (
	"errors"
	"time"

	"github.com/spf13/cobra"

	"slipway/gateway/cli/send"
	"slipway/gateway/operate"
)

// patience is how long URLs are waited for.
const patience = 10 * time.Minute

func (p *program) putCommand() *cobra.Command {
	var o send.Options
	c := &cobra.Command{
		Use: "put FILE... PATH", Short: "Send files and print their URLs",
		Long: `Store files at PATH, as any door would, wait until they are at their destinations, and
print a URL a line, in the order of the files. PATH is a folder if it ends in "/" or
is one already; "-" is the standard input, which needs the PATH of a file.

Ends with 1 where a file could not be stored or sent, and with 3 where one was not
sent in time: it is stored all the same, and goes on by itself while a gateway runs.
Where none runs, this command sends the files itself.`,
		Example: "  slipway put *.jpg /holiday/\n  convert in.png jpg:- | slipway put - /inbox/out.jpg",
		Args:    words(2, -1),
		RunE: func(c *cobra.Command, args []string) error {
			if o.Timeout <= 0 {
				return usagef("--timeout has to be more than 0; --no-wait does not wait at all")
			}
			files, err := send.Files(args[:len(args)-1], p.env.Stdin)
			if err != nil {
				return err
			}
			need := NeedUploads
			if o.NoWait {
				need = NeedRecords
			}
			return p.with(c.Context(), need, func(g operate.Gateway) error {
				if err := send.Aim(c.Context(), g, files, args[len(args)-1]); err != nil {
					return err
				}
				switch err := send.Send(c.Context(), g, files, p.Screen, o); {
				case errors.Is(err, send.ErrFailed):
					return &exitError{code: exitFailed}
				case errors.Is(err, send.ErrLate):
					return &exitError{code: exitLate}
				default:
					return err
				}
			})
		},
	}
	c.Flags().BoolVar(&o.NoWait, "no-wait", false, "do not wait for the URLs")
	c.Flags().DurationVar(&o.Timeout, "timeout", patience, "the `time` to wait for all URLs together, from the beginning")
	jsonFlag(c, &o.JSON)
	return c
}
