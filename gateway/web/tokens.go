package web

import (
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

// tokensPage is the tokens of a user.
type tokensPage struct {
	Tokens []Token
	Secret string // of the one just made
	Name   string
	Site   string
	Rights []string // that a token may have
}

// lives are how long a token may last, by the word of the form.
var lives = map[string]time.Duration{"30": 30 * 24 * time.Hour, "365": 365 * 24 * time.Hour, "": 0}

// tokens answers GET /tokens.
func (q *request) tokens() error { return q.tokensWith("", "") }

// tokensWith shows the tokens, and the secret of one just made, once.
func (q *request) tokensWith(name, secret string) error {
	if q.Tokens == nil {
		return notFound("this gateway has no tokens")
	}
	list, err := q.Tokens.Tokens(q.r, q.me.Name)
	if err != nil {
		return err
	}
	q.once = secret != ""
	return q.show(http.StatusOK, "tokens", "Tokens", tokensPage{Tokens: list, Secret: secret, Name: name, Site: q.site(), Rights: tokenRights(q.me.Rights)})
}

// tokenRights are the rights that a user's token may have: his, or fewer.
func tokenRights(mine string) []string {
	if mine == "full" {
		return []string{"full", "drop", "read"}
	}
	return []string{mine}
}

// changeTokens answers POST /tokens: make and revoke.
func (q *request) changeTokens() error {
	if err := q.form(); err != nil {
		return err
	}
	if q.Tokens == nil {
		return notFound("this gateway has no tokens")
	}
	form := q.r.PostForm
	if form.Get("do") == "revoke" {
		if err := q.Tokens.Revoke(q.r, q.me.Name, form.Get("id")); err != nil {
			return err
		}
		http.Redirect(q.w, q.r, "/tokens", http.StatusSeeOther)
		return nil
	}
	name, rights := strings.TrimSpace(form.Get("name")), form.Get("rights")
	life, ok := lives[form.Get("days")]
	if !ok || !slices.Contains(tokenRights(q.me.Rights), rights) {
		return wrong("choose what the token may do, and for how long, from the lists")
	}
	if name == "" || len(name) > 100 {
		return wrong("give the token a name of at most 100 characters, so that you know later what it is for")
	}
	folder := strings.TrimSpace(form.Get("folder"))
	if folder != "" {
		folder = path.Clean("/" + folder)
	}
	secret, err := q.Tokens.Make(q.r, q.me.Name, Token{Name: name, Rights: rights, Folder: folder}, life)
	if err != nil {
		return err
	}
	return q.tokensWith(name, secret)
}
