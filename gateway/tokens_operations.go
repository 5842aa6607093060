package main

import (
	"context"
	"errors"
	"io/fs"

	"slipway/gateway/auth"
	"slipway/gateway/operate"
)

// Tokens lists the tokens and sessions of a user, or of all.
func (o operations) Tokens(ctx context.Context, user string) ([]operate.Token, error) {
	all, err := o.tokens.List(ctx, user, "")
	list := make([]operate.Token, len(all))
	for i, t := range all {
		list[i] = tokenShown(t)
	}
	return list, err
}

func tokenShown(t auth.Token) operate.Token {
	return operate.Token{
		ID: t.ID, User: t.User, Kind: t.Kind, Name: t.Name, Rights: t.Rights, Folder: t.Folder, From: t.From,
		Created: t.Created, Used: t.Used, Expires: t.Expires,
	}
}

// AddToken makes a token.
func (o operations) AddToken(ctx context.Context, n operate.NewToken) (operate.IssuedToken, error) {
	g := auth.Grant{Kind: auth.ProgramToken, Name: n.Name, Folder: n.Folder, Life: n.Life}
	if n.Rights != "" {
		var err error
		if g.Rights, err = auth.ParseRights(n.Rights); err != nil {
			return operate.IssuedToken{}, operate.Errorf(operate.Usage, "%v", err)
		}
	}
	secret, made, err := o.tokens.Issue(ctx, n.User, g)
	if errors.Is(err, auth.ErrChanged) {
		return operate.IssuedToken{}, operate.Errorf(operate.NotFound, "there is no user %q", n.User)
	}
	return operate.IssuedToken{Token: tokenShown(made), Secret: secret}, err
}

// RevokeToken ends a token.
func (o operations) RevokeToken(ctx context.Context, user, id string) error {
	err := o.tokens.Revoke(ctx, user, id)
	if errors.Is(err, fs.ErrNotExist) {
		return operate.Errorf(operate.NotFound, "there is no token %q", id)
	}
	return err
}
