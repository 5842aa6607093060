package main

import (
	"context"
	"crypto/sha256"

	"slipway/gateway/auth"
	"slipway/vfs/index"
)

// tokenRows keeps the users' tokens in the index's database.
type tokenRows struct{ index.Tokens }

var _ auth.TokenStore = tokenRows{}

// Add keeps a new token.
func (r tokenRows) Add(ctx context.Context, t auth.Token) error {
	return r.Tokens.Add(ctx, index.Token(t))
}

// Find returns the token whose secret has the sum; see auth.TokenStore.
func (r tokenRows) Find(ctx context.Context, sum [sha256.Size]byte) (auth.Token, error) {
	t, err := r.Tokens.Find(ctx, sum)
	return auth.Token(t), err
}

// List returns the tokens of a user, or all; see auth.TokenStore.
func (r tokenRows) List(ctx context.Context, user string) ([]auth.Token, error) {
	rows, err := r.Tokens.List(ctx, user)
	if err != nil {
		return nil, err
	}
	list := make([]auth.Token, len(rows))
	for i, row := range rows {
		list[i] = auth.Token(row)
	}
	return list, nil
}
