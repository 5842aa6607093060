package cli

import (
	"context"
	"path"
	"time"

	"github.com/spf13/cobra"

	"slipway/gateway/auth"
	"slipway/gateway/cli/show"
	"slipway/gateway/operate"
	"slipway/gateway/strict"
)

func (p *program) tokenCommand() *cobra.Command {
	return p.group("token", "Make, list and revoke keys for programs",
		`Make, list and revoke tokens: keys by which programs use the API (/api/v1/, /upload,
/api/1/upload) as a user, without the password. The gateway keeps no token, only what
it knows one by again.`, p.tokenListCommand(), p.tokenAddCommand(), p.tokenRevokeCommand())
}

func (p *program) tokenListCommand() *cobra.Command {
	user, asJSON, sessions := "", false, false
	c := &cobra.Command{
		Use: "list", Short: "List the tokens", Args: words(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			return p.with(c.Context(), NeedRecords, func(g operate.Gateway) error {
				all, err := g.Tokens(c.Context(), user)
				if err != nil {
					return err
				}
				var list []operate.Token
				for _, t := range all {
					if sessions || t.Kind != auth.SessionToken {
						list = append(list, t)
					}
				}
				return p.showTokens(list, asJSON, sessions)
			})
		},
	}
	c.Flags().StringVar(&user, "user", "", "only those of this `user`")
	c.Flags().BoolVar(&sessions, "sessions", false, "who is signed in on the page, too")
	jsonFlag(c, &asJSON)
	return c
}

func (p *program) showTokens(list []operate.Token, asJSON, sessions bool) error {
	if asJSON {
		for _, t := range list {
			if err := p.Object(t); err != nil {
				return err
			}
		}
		return nil
	}
	if len(list) == 0 {
		p.Note("There is no token. Make one with `slipway token add USER`.")
		return p.Out.Err
	}
	table := show.NewTable(p.Out, "ID", "USER", "NAME", "RIGHTS", "FOLDER", "MADE", "LAST USED", "FROM", "ENDS")
	for _, t := range list {
		name := t.Name
		if t.Kind == auth.SessionToken {
			name = "(signed in on the page)"
		}
		table.Row(t.ID, show.Plain(t.User), show.Or(show.Plain(name)), show.Or(t.Rights), show.Or(show.Plain(t.Folder)), show.When(t.Created), show.When(t.Used),
			show.Or(show.Plain(t.From)), show.When(t.Expires))
	}
	table.End()
	return p.Out.Err
}

func (p *program) tokenAddCommand() *cobra.Command {
	var t operate.NewToken
	expires, asJSON := "", false
	c := &cobra.Command{
		Use: "add USER", Short: "Make a token and show it once", Args: words(1, 1),
		Long: `Make a token and show it once. A program sends it as "Authorization: Bearer TOKEN", or
as "X-API-Key: TOKEN", or, to /upload and /api/1/upload, as key=TOKEN.`,
		Example: "  slipway token add anna --name ShareX --rights drop --folder /inbox/screenshots",
		RunE: func(c *cobra.Command, args []string) error {
			t.User = args[0]
			if err := checkToken(&t, expires); err != nil {
				return err
			}
			return p.with(c.Context(), NeedRecords, func(g operate.Gateway) error {
				made, err := g.AddToken(c.Context(), t)
				switch {
				case err != nil:
					return err
				case asJSON:
					return p.Object(made)
				}
				p.Say("%s", made.Secret)
				p.Note("This is shown once. To end it: slipway token revoke %s", made.ID)
				return p.Out.Err
			})
		},
	}
	f := c.Flags()
	f.StringVar(&t.Name, "name", "", "what to call it, as in `ShareX`")
	f.StringVar(&t.Rights, "rights", "", "drop (add files, see no others) or read, where the user may do more")
	f.StringVar(&t.Folder, "folder", "", "the `folder`, as the user sees it, for pictures that come without a path")
	f.StringVar(&expires, "expires", "", "the `time` that it lasts, as in 48h or 30d")
	p.complete(c, "rights", func(context.Context, operate.Gateway) []string { return []string{"full", "drop", "read"} })
	jsonFlag(c, &asJSON)
	return c
}

// checkToken checks what the command line says of a token.
func checkToken(t *operate.NewToken, expires string) error {
	if t.Rights != "" {
		if _, err := auth.ParseRights(t.Rights); err != nil {
			return usagef("--rights: %q is none of them: take full, drop or read", t.Rights)
		}
	}
	if t.Folder != "" {
		t.Folder = path.Clean("/" + t.Folder)
	}
	if expires != "" {
		var d strict.Duration
		if err := d.UnmarshalText([]byte(expires)); err != nil || d == 0 {
			return usagef("--expires: %q is not how long the token lasts; write it as in 48h or 30d", expires)
		}
		t.Life = time.Duration(d)
	}
	return nil
}

func (p *program) tokenRevokeCommand() *cobra.Command {
	user, all := "", false
	c := &cobra.Command{
		Use: "revoke ID...", Short: "End tokens at once", Args: words(0, -1),
		Long: `End tokens at once. A new password ends the sessions on the page, and the tokens that
the user made there; it does not end those of slipway token add. With --user NAME --all
everything by which programs and browsers are signed in as that user ends.`,
		Example: "  slipway token revoke --user anna --all",
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case all && (user == "" || len(args) > 0):
				return usagef("--all ends whatever a user has: name him with --user, and no token")
			case !all && len(args) == 0:
				return usagef("name the tokens, as slipway token list does, or say --user NAME --all")
			}
			return p.with(c.Context(), NeedRecords, func(g operate.Gateway) error {
				if all {
					list, err := g.Tokens(c.Context(), user)
					if err != nil {
						return err
					}
					for _, t := range list {
						args = append(args, t.ID)
					}
					if len(args) == 0 {
						p.Note("%s has no token.", user)
					}
				}
				for _, id := range args {
					if err := g.RevokeToken(c.Context(), user, id); err != nil {
						return err
					}
					p.Say("%s: revoked.", id)
				}
				return p.Out.Err
			})
		},
	}
	c.Flags().StringVar(&user, "user", "", "only where it is this `user`'s")
	c.Flags().BoolVar(&all, "all", false, "all of that user's, and whoever is signed in on the page")
	return c
}
