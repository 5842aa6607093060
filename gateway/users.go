package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"slipway/gateway/auth"
)

// adminFile keeps the account that is made where the configuration has none.
const adminFile = "admin.json"

type adminAccount struct {
	Name string `json:"name"`
	Hash string `json:"hash"`
}

// openUsers returns the configured users, or admin.
func (a *app) openUsers(c *Config) (*auth.Table, error) {
	users, err := a.accounts(c)
	if err != nil {
		return nil, err
	}
	return auth.New(users, auth.Options{Log: a.log})
}

// accounts makes users of the configuration.
func (a *app) accounts(c *Config) ([]auth.User, error) {
	if len(c.Users) == 0 {
		admin, err := a.admin(c)
		return []auth.User{admin}, err
	}
	users := make([]auth.User, len(c.Users))
	for i, u := range c.Users {
		rights, err := auth.ParseRights(u.Rights)
		if err != nil {
			return nil, fmt.Errorf("user %q: %w", u.Name, err)
		}
		password, err := a.password(u)
		if err != nil {
			return nil, fmt.Errorf("user %q: %w", u.Name, err)
		}
		users[i] = auth.User{
			Name: u.Name, Home: u.Home, Rights: rights, Expires: u.Expires, Quota: int64(u.Quota), RequireTLS: u.RequireTLS, Password: password,
		}
	}
	return users, nil
}

// password reads a hash, or what "env:" or "file:" names: a plain password, or a
// hash too.
func (a *app) password(u UserConfig) (auth.Password, error) {
	text, err := u.Password.Resolve(a.getenv)
	if err != nil {
		return auth.Password{}, fmt.Errorf("password: %w", err)
	}
	switch {
	case text == "":
		return auth.Password{}, errors.New("the password is missing; make one with `slipway passwd`")
	case strings.HasPrefix(text, "$"):
		return auth.HashedPassword(text)
	case u.Password.Named():
		return auth.PlainPassword(text), nil
	}
	return auth.Password{}, errors.New("the password stands in plain text in the configuration; put in what `slipway passwd` prints, or \"env:NAME\" or \"file:PATH\"")
}

// admin returns the account that is made where there is none. Its password is
// shown once, when it is made.
func (a *app) admin(c *Config) (auth.User, error) {
	path := filepath.Join(c.dataDir(), adminFile)
	text, err := os.ReadFile(path)
	var account adminAccount
	switch {
	case errors.Is(err, os.ErrNotExist):
		if account, err = a.makeAdmin(path); err != nil {
			return auth.User{}, err
		}
	case err != nil:
		return auth.User{}, err
	default:
		if err := json.Unmarshal(text, &account); err != nil {
			return auth.User{}, fmt.Errorf("%s is damaged; remove it, and a new password is made: %w", path, err)
		}
	}
	password, err := auth.HashedPassword(account.Hash)
	return auth.User{Name: account.Name, Rights: auth.Full, Password: password}, err
}

func (a *app) makeAdmin(path string) (adminAccount, error) {
	password := auth.RandomPassword()
	hash, err := auth.Hash([]byte(password))
	if err != nil {
		return adminAccount{}, err
	}
	account := adminAccount{Name: "admin", Hash: hash}
	text, err := json.Marshal(account)
	if err != nil {
		return account, err
	}
	if err := os.WriteFile(path, append(text, '\n'), 0o600); err != nil {
		return account, err
	}
	a.notice("No user is configured, so one was made. This is shown once:\n\n    user      %s\n    password  %s\n\n"+
		"Forgotten? Stop the gateway, remove %s and start it again.\n", account.Name, password, path)
	return account, nil
}
