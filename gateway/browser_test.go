package main

import (
	"encoding/base64"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"slipway/gateway/ingesttest"
	"slipway/gateway/web/browsertest"
	"slipway/uploader/chevereto/cheveretotest"
	"slipway/uploader/whole/wholetest"
)

// TestBrowser does what people do on the page, in a browser, with the program that
// runs: signs in, drops a picture, watches it go, copies its address, sees why one
// failed and has it tried again.
func TestBrowser(t *testing.T) {
	b := browsertest.Start(t)
	g := startIngest(t, 300*time.Millisecond, func(*testing.T, *app) ingesttest.Door { return nil })
	site := "http://" + g.app.address("web")
	b.Allow(site, "clipboardReadWrite", "clipboardSanitizedWrite")
	b.Size(1200, 860)
	b.Scheme("light")

	b.Go(site + "/uploads")
	b.Says("h1", "Sign in")
	b.Accessible("sign-in")
	b.Shoot("sign-in")
	b.Type("[name=name]", ingestUser)
	b.Type("[name=password]", "wrong")
	b.Click("button.main")
	b.Says("[role=alert]", "wrong")
	time.Sleep(600 * time.Millisecond) // the first wrong password costs half a second
	b.Type("[name=password]", ingestPassword)
	b.Click("button.main")
	b.Says("h1", "Uploads")

	t.Run("Drop", func(t *testing.T) { browserDrop(t, b, g, site) })
	t.Run("DropAnyWay", func(t *testing.T) { browserDropAnyWay(t, b, site) })
	t.Run("Retry", func(t *testing.T) { browserRetry(t, b, g, site) })
	t.Run("Broken", func(t *testing.T) { browserBroken(t, b, g, site) })
	t.Run("Watch", func(t *testing.T) { browserWatch(t, b, g, site) })
	t.Run("Looks", func(t *testing.T) { browserLooks(t, b, site) })
	b.Quiet("401", "422", "404", "409", "ERR_CONNECTION", "ERR_INTERNET_DISCONNECTED")
}

// browserDrop drops pictures and copies their addresses.
func browserDrop(t *testing.T, b *browsertest.Browser, g *ingestGateway, site string) {
	dir := t.TempDir()
	var files []string
	for i, name := range []string{"Lofoten.jpg", "Harbour at dusk.jpg", "<img src=x onerror=alert(1)>.jpg"} {
		files = append(files, filepath.Join(dir, name))
		writeLandscape(t, files[i], i)
	}
	b.Go(site + "/drop/in/")
	b.Type("#pick", strings.Join(files, "\n"))
	b.Says("#summary", "3 stored")
	for i := range files {
		b.Says("#queue > li:nth-child("+string(rune('1'+i))+") .state", "Done")
	}
	b.Accessible("drop")
	b.Shoot("drop")
	b.Click("#sent [data-copy][value=url]")
	b.Says("#said", "Copied 3 lines.")
	var copied string
	b.Run(&copied, "return navigator.clipboard.readText()")
	lines := strings.Split(copied, "\n")
	if len(lines) != 3 {
		t.Fatalf("copied: %q", copied)
	}
	for _, line := range lines {
		if data := g.Host(t, line); len(data) < 1000 {
			t.Errorf("%s leads to %d bytes", line, len(data))
		}
	}
	// The same names again: both are kept.
	writeLandscape(t, files[0], 9)
	b.Type("#pick", files[0])
	b.Says("#queue > li:first-child a", "Lofoten (1).jpg")
	b.Says("#queue > li:first-child .state", "Done")

	b.Go(site + "/files/in/?view=grid")
	b.Says("#listing", "Harbour at dusk.jpg")
	var drawn float64
	b.Run(&drawn, "return (async()=>{for(const i of document.querySelectorAll('img.thumb')){i.loading='eager';await i.decode()}; return document.querySelector('img.thumb').naturalWidth})()")
	if drawn < 64 || drawn > 128 {
		t.Errorf("a thumbnail is %v pixels wide", drawn)
	}
	b.Accessible("files")
	b.Shoot("files")
	b.Go(site + "/files/in/Lofoten.jpg")
	b.Says("#fate", "Done")
	b.Accessible("file")
	b.Shoot("file")
}

// browserDropAnyWay brings files in each way that the page takes them, and where it
// does not.
func browserDropAnyWay(t *testing.T, b *browsertest.Browser, site string) {
	const event = `const dt = new DataTransfer();
		const bytes = Uint8Array.from(atob(arguments[2]), (c) => c.charCodeAt(0));
		dt.items.add(new File([bytes], arguments[1], {type: "image/jpeg"}));
		const how = {bubbles: true, cancelable: true};
		document.querySelector(arguments[3] ?? "main").dispatchEvent(arguments[0] === "paste" ? new ClipboardEvent("paste", {...how, clipboardData: dt}) : new DragEvent("drop", {...how, dataTransfer: dt}))`
	picture := func(seed uint64) string { return base64.StdEncoding.EncodeToString(wholetest.JPEG(40, 40, seed)) }
	first := func(words, state string) {
		t.Helper()
		b.Says("#queue > li:first-child", words)
		b.Says("#queue > li:first-child .state", state)
	}
	b.Go(site + "/drop/in/")
	b.Run(nil, event, "drop", "dragged.jpg", picture(101))
	first("dragged.jpg", "Done")
	b.Run(nil, event, "paste", "image.jpg", picture(102))
	first("Pasted 20", "Done")

	dir := filepath.Join(t.TempDir(), "Fjords")
	if err := os.MkdirAll(filepath.Join(dir, "deep", "er"), 0o755); err != nil {
		t.Fatal(err)
	}
	writeLandscape(t, filepath.Join(dir, "deep", "er", "in a folder.jpg"), 5)
	b.Type("[webkitdirectory]", dir)
	first("in a folder.jpg", "Done")
	b.Go(site + "/files/in/Fjords/deep/er/")
	b.Says("#listing", "in a folder.jpg")

	// Onto a folder's list, and onto another folder's button.
	b.Run(nil, event, "drop", "onto the list.jpg", picture(103))
	first("onto the list.jpg", "Done")
	b.Says("#listing", "onto the list.jpg") // which shows it by itself
	b.Go(site + "/drop/in/")
	b.Run(nil, event, "drop", "below.jpg", picture(104), "[data-into]")
	first("below.jpg", "Done")
	b.Go(site + "/files/in/Fjords/below.jpg")
	b.Says("h1", "below.jpg")

	// Where no route takes files.
	b.Go(site + "/drop/")
	b.Says(".note", "/in")
	b.Run(nil, event, "drop", "nowhere.jpg", picture(105))
	first("nowhere.jpg", "Not taken")
	b.Says("#queue > li:first-child .why", "/in")
	b.Shoot("drop-refused")

	// Without a network.
	b.Go(site + "/drop/in/")
	b.Offline(true)
	b.Run(nil, event, "drop", "later.jpg", picture(106))
	first("later.jpg", "Not stored")
	b.Says("#queue > li:first-child .why", "does not answer")
	b.Offline(false)
	b.Click("#queue > li:first-child button")
	first("later.jpg", "Done")
}

// browserRetry has an upload fail, reads why, and has it tried again.
func browserRetry(t *testing.T, b *browsertest.Browser, g *ingestGateway, site string) {
	g.site.Configure(func(c *cheveretotest.Config) { c.Disabled = []string{"gif"} })
	b.Go(site + "/")
	b.Says("#destinations", "Open")
	door := newDAVClient(t, site+davPrefix, ingestUser, ingestPassword)
	if err := door.Put("/in/moving.gif", wholetest.GIF(40, 40, 1)); err != nil {
		t.Fatal(err)
	}
	b.Says("#trouble", "moving.gif") // by itself
	b.Shoot("now-trouble")
	b.Accessible("now")
	b.Click("#trouble a.file")
	b.Says("#fate .state", "Failed")
	b.Shoot("failed")
	g.site.Configure(func(c *cheveretotest.Config) { c.Disabled = nil })
	b.Click("#fate [value=retry]")
	b.Says("#fate .state", "Done")
	b.Says("#fate", "http://")
	b.Go(site + "/uploads?state=failed")
	b.Says("#listing", "Nothing matches")

	b.Go(site + "/")
	b.Click("#destinations [value=pause]")
	b.Says("#destinations h3", "Paused")
	b.Click("#destinations [value=resume]")
	b.Says("#destinations h3", "Open")
}

// browserBroken has an upload break off, sees what is kept, and sees it go when it has
// gone on, on a page that is left alone.
func browserBroken(t *testing.T, b *browsertest.Browser, g *ingestGateway, site string) {
	picture := wholetest.JPEG(300, 300, 77)
	half := len(picture) / 2
	b.Go(site + "/")
	b.Says("#transfers", "Nothing is on its way")
	c := dialFTP(t, g.app.address("ftp"), ingestUser, ingestPassword)
	c.must(t, 200, "ALLO %d", len(picture))
	if err := c.Put("/in/From the camera.jpg", picture[:half]); err == nil {
		t.Fatal("half a picture was taken")
	}
	b.Go(site + "/")
	b.Says("#broken .file", "From the camera.jpg")
	b.Says("#broken .why", "when it is sent again from 127.0.0.1")
	b.Accessible("now, with what broke off")
	b.Shoot("now-broken")
	if err := c.PutAt("/in/From the camera.jpg", int64(half), picture[half:]); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		var hidden bool
		if b.Run(&hidden, "return document.getElementById('broken').hidden"); hidden {
			return
		}
		if time.Now().After(end) {
			t.Fatal("what went on is shown as broken off")
		}
	}
}

// browserWatch watches a picture go to its host, slowly, on a page that is left alone.
func browserWatch(t *testing.T, b *browsertest.Browser, g *ingestGateway, site string) {
	g.site.Configure(func(c *cheveretotest.Config) { c.Rate = 1_500_000 })
	defer g.site.Configure(func(c *cheveretotest.Config) { c.Rate = 0 })
	b.Go(site + "/")
	b.Says("#transfers", "Nothing is on its way")
	door := newDAVClient(t, site+davPrefix, ingestUser, ingestPassword)
	if err := door.Put("/in/Panorama from the ferry.webp", wholetest.WebP(1700, 1700, 1)); err != nil {
		t.Fatal(err)
	}
	b.Says("#transfers", "Panorama from the ferry.webp")
	b.Says("#transfers .quiet", "to host")
	b.Says("#transfers", "/s")
	b.Shoot("now")
	b.Accessible("now, with a transfer")
	b.Says("#transfers", "Nothing is on its way")
}

// browserLooks looks at every page as a phone and a desk have it, light and dark.
func browserLooks(t *testing.T, b *browsertest.Browser, site string) {
	for name, path := range map[string]string{
		"now": "/", "list": "/files/in/?view=list", "uploads": "/uploads", "drop-empty": "/drop/in/", "connect": "/connect#phones", "tokens": "/tokens",
		"everything": "/files/in/?all=1",
	} {
		b.Go(site + path)
		for _, scheme := range []string{"light", "dark"} {
			b.Scheme(scheme)
			b.Size(1200, 860)
			b.Accessible(name + ", " + scheme)
			b.Shoot(name + "-" + scheme)
			b.Size(390, 844)
			b.Accessible(name + " on a phone, " + scheme)
			b.Shoot(name + "-" + scheme + "-phone")
			var wide int
			if b.Run(&wide, "return document.documentElement.scrollWidth"); wide > 390 {
				t.Errorf("%s is %d pixels wide on a phone", name, wide)
			}
		}
	}
	b.Size(1200, 860)
	b.Scheme("light")
	b.Go(site + "/connect")
	b.Says("#seen", "It worked")
	b.Click("#seen .small")
	b.Says("#said", "It worked")
	b.Click(".who button")
	b.Says("h1", "Sign in")
}

// writeLandscape writes a picture that is pleasant to look at.
func writeLandscape(t *testing.T, name string, kind int) {
	t.Helper()
	const w, h = 640, 480
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	skies := []color.RGBA{{120, 180, 220, 255}, {240, 150, 100, 255}, {90, 110, 170, 255}}
	sky := skies[kind%len(skies)]
	for x := range w {
		far := 220 + 60*math.Sin(float64(x+kind*90)/70) + 25*math.Sin(float64(x)/23)
		near := 330 + 30*math.Sin(float64(x-kind*50)/110)
		for y := range h {
			c := color.RGBA{sky.R + uint8(min(y/8, int(255-sky.R))), sky.G + uint8(y/16), sky.B, 255}
			switch {
			case float64(y) > near:
				c = color.RGBA{20, uint8(90 + (y-300)/4), uint8(100 + (x*y)%7), 255}
			case float64(y) > far:
				c = color.RGBA{70, 80 + uint8(kind%4*10), 100, 255}
			}
			m.Set(x, y, c)
		}
	}
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := jpeg.Encode(f, m, &jpeg.Options{Quality: 88}); err != nil {
		t.Fatal(err)
	}
}
