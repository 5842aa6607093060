package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"slipway/gateway/auth"
	"slipway/gateway/cli/card"
	"slipway/gateway/cli/show"
	"slipway/gateway/cli/userfile"
	"slipway/gateway/control"
	"slipway/gateway/operate"
	"slipway/gateway/strict"
)

func (p *program) userCommand() *cobra.Command {
	return p.group("user", "Add users to the configuration", "Add users to the configuration.", p.userAddCommand())
}

// newUser is what the command line says of a user.
type newUser struct {
	name, home, rights string
	expires, quota     string
	drop, stdin, json  bool
}

func (p *program) userAddCommand() *cobra.Command {
	var u newUser
	c := &cobra.Command{
		Use: "add NAME", Short: "Add a user and show the password once", Args: words(1, 1),
		Long: `Write a [[user]] at the end of the configuration file, which keeps all that it holds,
and have the running gateway read it. The password is made at random and shown
once, or read with --password-stdin; the file holds its hash. Where the gateway
runs, a card follows for the person who gets the account: the settings for each way
in, and QR codes that hold them, the password included.`,
		Example: "  slipway user add guests --drop --home /event/{name} --expires 48h --quota 20GB",
		RunE: func(c *cobra.Command, args []string) error {
			u.name = args[0]
			if u.drop && c.Flags().Changed("rights") && u.rights != auth.Drop.String() {
				return usagef("--drop and --rights %s contradict each other", u.rights)
			}
			if u.drop {
				u.rights = auth.Drop.String()
			}
			return p.addUser(c.Context(), u)
		},
	}
	f := c.Flags()
	f.StringVar(&u.home, "home", "/", "the `folder` that the user sees as /; {name} in it is the user's name")
	f.StringVar(&u.rights, "rights", "full", "full, drop (add files, see no others) or read")
	f.BoolVar(&u.drop, "drop", false, "the same as --rights drop")
	f.StringVar(&u.expires, "expires", "", "the `time` that the account lasts, as in 48h or 30d")
	f.StringVar(&u.quota, "quota", "", "the `size` that the home may have, as in 20GB")
	f.BoolVar(&u.stdin, "password-stdin", false, "read the password from the first line of the standard input")
	p.complete(c, "rights", func(context.Context, operate.Gateway) []string { return []string{"full", "drop", "read"} })
	jsonFlag(c, &u.json)
	return c
}

func (p *program) addUser(ctx context.Context, u newUser) error {
	b, err := u.block(time.Now())
	if err != nil {
		return err
	}
	password := []byte(auth.RandomPassword())
	if u.stdin {
		if password, err = p.password(ctx, true); err != nil {
			return err
		}
	}
	if b.Password, err = auth.Hash(password); err != nil {
		return err
	}
	if err := checkUser(b); err != nil {
		return err
	}
	first, err := userfile.Append(p.config, b)
	if err != nil {
		return err
	}
	shown := string(password)
	if u.stdin {
		shown = ""
	}
	if err := p.added(u, b, shown); err != nil {
		return err
	}
	ways, err := p.reloadUsers(ctx, b)
	if first && err == nil {
		p.insteadOfAdmin(b)
	}
	if err != nil || u.json || shown == "" {
		return err
	}
	c := card.Card{Name: b.Name, Password: shown, Ways: ways}
	return c.Write(p.Out, p.atTerminal())
}

// insteadOfAdmin says that b, the first user, ends the account that is made where
// there is none, which may be the one that its reader uses.
func (p *program) insteadOfAdmin(b userfile.User) {
	text := "As there is a user now, admin, which is made where there is none, cannot sign in any more."
	if b.Rights != auth.Full.String() || b.Home != "/" {
		text += " Add one with full rights for yourself, as in: slipway user add NAME"
	}
	p.Note("%s", text)
}

// atTerminal reports whether the answer is read by a person at once.
func (p *program) atTerminal() bool {
	f, ok := p.Out.W.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// block checks what the command line says and puts it in the file's form.
func (u newUser) block(now time.Time) (userfile.User, error) {
	home := strings.ReplaceAll(u.home, "{name}", u.name)
	b := userfile.User{Name: u.name, Home: path.Clean("/" + home), Rights: u.rights, Quota: u.quota}
	if home != u.home && (strings.Contains(u.name, "/") || u.name == "." || u.name == "..") {
		return b, usagef("--home: {name} stands for one folder, and %q cannot be one", u.name)
	}
	if _, err := auth.ParseRights(u.rights); err != nil || u.rights == "" {
		return b, usagef("--rights: %q is none of them: take full, drop or read", u.rights)
	}
	if u.expires != "" {
		var d strict.Duration
		if err := d.UnmarshalText([]byte(u.expires)); err != nil || d == 0 {
			return b, usagef("--expires: %q is not how long the account lasts; write it as in 48h or 30d", u.expires)
		}
		b.Expires = now.Add(time.Duration(d)).UTC().Truncate(time.Second)
	}
	if u.quota != "" {
		var z strict.Size
		if err := z.UnmarshalText([]byte(u.quota)); err != nil || z == 0 {
			return b, usagef("--quota: %q is not a size; write it as in 20GB", u.quota)
		}
	}
	return b, nil
}

// checkUser has the account checked as the gateway will.
func checkUser(b userfile.User) error {
	rights, err := auth.ParseRights(b.Rights)
	if err != nil {
		return usageError{err}
	}
	password, err := auth.HashedPassword(b.Password)
	if err != nil {
		return err
	}
	if _, err := auth.New([]auth.User{{Name: b.Name, Home: b.Home, Rights: rights, Password: password}}, auth.Options{}); err != nil {
		return usageError{err}
	}
	return nil
}

// added shows the account; the password is "" where the person knows it.
func (p *program) added(u newUser, b userfile.User, password string) error {
	if u.json {
		return p.Object(struct {
			Name     string    `json:"name"`
			Password string    `json:"password,omitempty"`
			Home     string    `json:"home"`
			Rights   string    `json:"rights"`
			Expires  time.Time `json:"expires,omitzero"`
			Quota    string    `json:"quota,omitempty"`
		}{b.Name, password, b.Home, b.Rights, b.Expires, b.Quota})
	}
	t := show.NewTable(p.Out, "user", show.Plain(b.Name))
	if password != "" {
		t.Row("password", password)
	}
	t.Row("home", show.Plain(b.Home))
	t.Row("rights", b.Rights)
	if !b.Expires.IsZero() {
		t.Row("expires", show.When(b.Expires))
	}
	if b.Quota != "" {
		t.Row("quota", show.Plain(b.Quota))
	}
	t.End()
	return p.Out.Err
}

// reloadUsers has the running gateway read the users, where one runs, and returns
// the ways in. It says so if pictures of the new user b would be refused.
func (p *program) reloadUsers(ctx context.Context, b userfile.User) (ways []operate.Connection, err error) {
	refused := ""
	err = p.with(ctx, NeedRunning, func(g operate.Gateway) error {
		if _, err := g.Reload(ctx); err != nil {
			return err
		}
		s, err := g.Status(ctx)
		if err != nil {
			return err
		}
		ways = s.Connect
		e, err := g.Explain(ctx, path.Join(b.Home, "picture.jpg"))
		refused = e.Refused
		return err
	})
	switch {
	case errors.Is(err, control.ErrNotRunning):
		p.Note("No gateway runs; the next start knows the user.")
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("the user is in %s, but the running gateway did not take it over: %w", p.config, err)
	}
	p.Note("The running gateway knows the user.")
	if refused != "" && b.Rights != auth.Read.String() {
		p.Note("But a picture in %s would be refused: %s", b.Home, refused)
	}
	return ways, nil
}
