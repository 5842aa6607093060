package operate

import "time"

// Token is a secret that signs a program, or with the kind "session" a browser, in
// as a user; without the secret.
type Token struct {
	ID      string    `json:"id"`
	User    string    `json:"user"`
	Kind    string    `json:"kind"` // token or session
	Name    string    `json:"name,omitempty"`
	Rights  string    `json:"rights,omitempty"` // narrower than the user's; "": the user's
	Folder  string    `json:"folder,omitempty"` // where its uploads go that come without a path
	From    string    `json:"from,omitempty"`   // the address that it was last used from
	Created time.Time `json:"created"`
	Used    time.Time `json:"used,omitzero"`    // to the minute; zero: never
	Expires time.Time `json:"expires,omitzero"` // zero: never
}

// NewToken is a token that is to be made.
type NewToken struct {
	User   string        `json:"user"`
	Name   string        `json:"name,omitempty"`
	Rights string        `json:"rights,omitempty"`
	Folder string        `json:"folder,omitempty"`
	Life   time.Duration `json:"life,omitempty"` // nanoseconds; 0: for ever
}

// IssuedToken is a token that was made, with its secret, which cannot be had again.
type IssuedToken struct {
	Token
	Secret string `json:"secret"`
}

// revokeArguments are those of RevokeToken.
type revokeArguments struct {
	User string `json:"user,omitempty"`
	ID   string `json:"id"`
}
