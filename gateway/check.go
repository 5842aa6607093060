package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"slipway/gateway/cli"
	"slipway/uploader"
	"slipway/uploader/route"
	"slipway/vfs/blob"
	"slipway/vfs/index"
)

// checkTime is how long one destination may take to answer.
const checkTime = 30 * time.Second

// check reads the configuration as serve would and reaches every destination with
// a harmless probe. It opens no data directory, so that it can run beside serve.
func (p program) check(ctx context.Context, path string, report func(cli.CheckLine)) error {
	c, err := loadConfig(path)
	if err != nil {
		return usage(err)
	}
	a := &app{log: newLogger(c.Log, p.stderr), version: p.version, getenv: p.getenv, notice: func(string, ...any) {}}
	s, err := a.newSettings(c)
	if err != nil {
		return usage(err)
	}
	a.settings.Store(s)
	report(cli.CheckLine{Subject: "configuration", OK: true, Text: fmt.Sprintf("%s is right: %s, %s, %s", filepath.Base(path),
		count(len(s.destinations), "destination"), count(len(c.Routes), "route"), count(len(c.Users), "user")), Notes: s.warnings})
	lines := []func(context.Context) cli.CheckLine{a.checkUsers, a.checkStorage, a.checkWeb, a.checkFTP}
	if t := c.TLS; t.CertFile+t.KeyFile != "" || len(t.ACMEDomains) > 0 {
		lines = append(lines, a.checkCertificate)
	}
	for _, w := range c.Watches {
		lines = append(lines, func(context.Context) cli.CheckLine { return w.look() })
	}
	for _, h := range s.hooks {
		lines = append(lines, func(ctx context.Context) cli.CheckLine { return checkWebhook(ctx, h) })
	}
	_, port, err := net.SplitHostPort(c.Web.Listen)
	portChosen := err == nil && port == "0" && c.Web.PublicURL == ""
	for _, d := range s.destinations {
		lines = append(lines, func(ctx context.Context) cli.CheckLine { return checkDestination(ctx, d, c.Routes, portChosen) })
	}
	failed := false
	for _, line := range lines {
		l := line(ctx)
		failed = failed || !l.OK
		report(l)
	}
	if failed {
		return errors.New("not everything works; see above")
	}
	return ctx.Err()
}

// count returns "1 route", "2 routes".
func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprint(n, " ", what)
}

func (a *app) checkUsers(context.Context) cli.CheckLine {
	c := a.settings.Load().config
	if len(c.Users) == 0 {
		return cli.CheckLine{Subject: "users", OK: true, Text: "none is configured: the first start makes admin and shows a random password once"}
	}
	if _, err := a.openUsers(c); err != nil {
		return cli.CheckLine{Subject: "users", Text: err.Error()}
	}
	line := cli.CheckLine{Subject: "users", OK: true, Text: fmt.Sprintf("%d, each with a password", len(c.Users))}
	for _, u := range c.Users {
		if !u.Expires.IsZero() && u.Expires.Before(time.Now()) {
			line.Notes = append(line.Notes, fmt.Sprintf("the account of %q has ended: give it a later expires, or take it away", u.Name))
		}
	}
	return line
}

// checkStorage tries to write where the data are to be, and to reach the database.
func (a *app) checkStorage(ctx context.Context) cli.CheckLine {
	c := a.settings.Load().config
	line := cli.CheckLine{Subject: "storage"}
	dir := c.dataDir()
	if err := tryWrite(dir); err != nil {
		line.Text, line.Remedy = fmt.Sprintf("data_dir %s cannot be written to: %v", dir, err), "Choose another folder, or let this user write there."
		return line
	}
	source, err := c.Storage.Index.Resolve(a.getenv)
	if err != nil {
		line.Text = "storage.index: " + err.Error()
		return line
	}
	if err := checkIndex(source); err != nil {
		line.Text = err.Error()
		return line
	}
	line.Text = dir
	if isPostgres(source) {
		line.Text += " and PostgreSQL"
		if err := index.Ping(ctx, source); err != nil {
			line.Text, line.Remedy = strings.Join(strings.Fields(err.Error()), " "), "Look whether the PostgreSQL server runs, and at host, user, password and database in storage.index."
			return line
		}
	}
	line.OK = true
	if free, err := (blob.OS{}).Free(existing(dir)); err == nil && free >= 0 {
		line.Text += fmt.Sprintf(", %.1f GB free", float64(free)/1e9)
	}
	return line
}

// existing returns dir, or the nearest folder above it that exists.
func existing(dir string) string {
	for {
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) || filepath.Dir(dir) == dir {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

// tryWrite makes and removes a file where dir is or is to be.
func tryWrite(dir string) error {
	f, err := os.CreateTemp(existing(dir), ".slipway-check-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

func (a *app) checkWeb(ctx context.Context) cli.CheckLine {
	c := a.settings.Load().config
	line := cli.CheckLine{Subject: "web", OK: true, Text: "WebDAV at " + davPrefix + "/ on " + c.Web.Listen}
	if c.Web.Listen == "" {
		line.Text = "switched off"
	} else if !c.Web.TLS && !here(c.Web.Listen) {
		line.Notes = []string{"passwords and pictures cross the network unencrypted: set web.tls = true, or put a proxy with TLS in front"}
	}
	line.Notes = append(line.Notes, listenable(ctx, c.dataDir(), c.Web.Listen)...)
	if hosts := slices.ContainsFunc(a.settings.Load().destinations, func(d uploader.Destination) bool { return d.Driver.Properties().HoldsBlob }); hosts && c.Web.PublicURL == "" {
		line.Notes = append(line.Notes, "web.public_url is not set: the URLs of pictures hosted here begin with the bound address")
	}
	return line
}

func (a *app) checkFTP(ctx context.Context) cli.CheckLine {
	whole := a.settings.Load().config
	c := whole.FTP
	line := cli.CheckLine{Subject: "ftp", OK: true, Text: "FTP on " + c.Listen}
	switch {
	case c.Listen == "" && c.ImplicitListen == "":
		line.Text = "switched off"
	case c.Listen == "":
		line.Text = "FTPS on " + c.ImplicitListen
	case c.ImplicitListen != "":
		line.Text += ", FTPS on " + c.ImplicitListen
	}
	line.Notes = listenable(ctx, whole.dataDir(), c.Listen, c.ImplicitListen)
	if c.Listen != "" && c.TLS != ftpRequired && !here(c.Listen) {
		line.Notes = append(line.Notes, `passwords and pictures may cross the network unencrypted: set ftp.tls = "required" if every device can do FTPS`)
	}
	if names := needTLS(a.settings.Load().config.Users); c.TLS == ftpPlain && line.Text != "switched off" && len(names) > 0 {
		line.Notes = append(line.Notes, fmt.Sprintf(`ftp.tls is "off", so that users with require_tls cannot come by FTP: %s; set it to "optional" if they are to`, strings.Join(names, ", ")))
	}
	return line
}

// needTLS returns the names of the users who may come through TLS only.
func needTLS(users []UserConfig) (names []string) {
	for _, u := range users {
		if u.RequireTLS {
			names = append(names, u.Name)
		}
	}
	return names
}

// checkCertificate looks at the certificate of [tls], where that names one.
func (a *app) checkCertificate(context.Context) cli.CheckLine {
	c := a.settings.Load().config
	line := cli.CheckLine{Subject: "certificate", OK: true, Text: "issued by ACME for " + strings.Join(c.TLS.ACMEDomains, ", ")}
	if c.TLS.CertFile != "" {
		line.Text = c.TLS.CertFile
	}
	shown := c.Web.TLS && c.Web.Listen != "" || c.FTP.TLS != ftpPlain && c.FTP.Listen+c.FTP.ImplicitListen != ""
	err := a.certOptions().Check()
	switch {
	case shown && err != nil:
		line.OK, line.Text = false, err.Error()
	case err != nil: // serve does not look at it
		line.Notes = append(line.Notes, err.Error())
	}
	if !shown {
		line.Notes = append(line.Notes, "no door that is open shows it: set web.tls = true, or ftp.tls")
	}
	return line
}

// here reports whether a configured address can be reached from this machine alone.
func here(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && strings.EqualFold(host, "localhost") || loopback(address)
}

// checkDestination asks one destination whether the account works. With portChosen the
// addresses of pictures hosted here begin with a port that serve gets from the system.
func checkDestination(ctx context.Context, d uploader.Destination, routes []route.Config, portChosen bool) cli.CheckLine {
	line := cli.CheckLine{Subject: "destination " + d.Name, OK: true, Text: d.Driver.Properties().Driver + " at " + d.Driver.Properties().Host}
	line.Notes = afterwards(d, routes)
	checker, ok := d.Driver.(uploader.Checker)
	if !ok || portChosen && d.Driver.Properties().HoldsBlob { // its address is known when serve listens
		return line
	}
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	notes, err := checker.Check(ctx)
	line.Notes = append(notes, line.Notes...)
	if err != nil {
		e := uploader.AsError(err)
		line.OK, line.Text, line.Remedy = false, line.Text+": "+e.Error(), e.Remedy
	}
	return line
}
