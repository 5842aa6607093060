package api

import (
	"fmt"
	"math"
	"net/http"
	"path"
	"strconv"
	"strings"

	"slipway/gateway/operate"
)

// cheveImage is a picture as Chevereto describes it, as far as it is known here. No
// address that deletes it is ever among that.
type cheveImage struct {
	Name        string     `json:"name"`
	Extension   string     `json:"extension"`
	Size        int64      `json:"size"`
	Width       int        `json:"width"`
	Height      int        `json:"height"`
	Date        string     `json:"date"`
	DateGMT     string     `json:"date_gmt"`
	Title       string     `json:"title"`
	Description *string    `json:"description"`
	NSFW        int        `json:"nsfw"`
	MD5         *string    `json:"md5"`        // of what the host keeps, which is not known here
	SourceMD5   string     `json:"source_md5"` // of what came
	Original    string     `json:"original_filename"`
	Approved    int        `json:"is_approved"`
	Type        string     `json:"type"`
	ID          string     `json:"id_encoded"`
	Filename    string     `json:"filename"`
	MIME        string     `json:"mime"`
	URL         string     `json:"url,omitempty"`
	Ratio       float64    `json:"ratio"`
	Formatted   string     `json:"size_formatted"`
	Image       *cheveFile `json:"image,omitempty"`
	Medium      *cheveFile `json:"medium,omitempty"`
	Thumb       *cheveFile `json:"thumb,omitempty"`
	Viewer      string     `json:"url_viewer,omitempty"`
	Short       string     `json:"url_short,omitempty"`
	Display     string     `json:"display_url,omitempty"`
}

// cheveFile is one size of a picture.
type cheveFile struct {
	Filename  string `json:"filename"`
	Name      string `json:"name"`
	MIME      string `json:"mime"`
	Extension string `json:"extension"`
	URL       string `json:"url"`
	Size      int64  `json:"size,omitempty"`
}

// cheveAnswer is a success. 202 stands for "not yet": location says where to ask.
type cheveAnswer struct {
	Status   int              `json:"status_code"`
	Success  cheveError       `json:"success"`
	Image    cheveImage       `json:"image"`
	Text     string           `json:"status_txt"`
	Notes    []string         `json:"notes,omitempty"`
	Location string           `json:"location,omitempty"`
	Uploads  []operate.Upload `json:"uploads,omitempty"`
}

// answer waits for the URL of what was stored.
func (c *hosted) answer() error {
	uploads, err := c.follow(c.stored.ID, c.deadline().left())
	if err != nil {
		return err
	}
	u := picked(uploads)
	waiting := u == nil && len(uploads) > 0 && uploads[0].State == "awaiting"
	status, message := http.StatusOK, "file uploaded"
	if u == nil && !waiting {
		p := c.standing(c.stored, uploads)
		if p.Status != http.StatusAccepted {
			return p
		}
		c.w.Header().Set("Location", p.header.Get("Location"))
		status, message = p.Status, p.Detail
	}
	if waiting {
		u = &uploads[0]
	}
	switch format := c.fields["format"]; {
	case format == "txt" && u != nil && u.URL != "":
		c.text(http.StatusOK, u.URL)
		return nil
	case format == "redirect" && u != nil && u.URL != "":
		c.w.Header().Set("Location", viewer(*u))
		c.w.WriteHeader(http.StatusFound)
		return nil
	case format == "txt" || format == "redirect":
		c.text(status, message)
		return nil
	}
	a := cheveAnswer{
		Status: status, Success: cheveError{message, status}, Image: c.image(u), Text: "OK", Notes: c.notes(),
		Location: c.w.Header().Get("Location"),
	}
	if status != http.StatusOK {
		a.Text, a.Uploads = http.StatusText(status), uploads
	}
	write(c.w, status, "application/json; charset=UTF-8", a)
	return nil
}

// image describes what was stored, at the host where u is.
func (c *hosted) image(u *operate.Upload) cheveImage {
	e := c.stored
	base := path.Base(e.Path)
	ext := path.Ext(base)
	stem := strings.TrimSuffix(base, ext)
	date := e.Modified.UTC().Format("2006-01-02 15:04:05")
	i := cheveImage{
		Name: stem, Extension: strings.TrimPrefix(ext, "."), Size: e.Size, Date: date, DateGMT: date, Title: stem,
		SourceMD5: c.sum, Original: base, Approved: 1, Type: "image", ID: strconv.FormatInt(e.ID, 10), Filename: base, MIME: e.Type,
		Formatted: formatted(e.Size),
	}
	if strings.HasPrefix(e.Type, "video/") {
		i.Type = "video"
	}
	i.Width, i.Height = c.width, c.height
	if i.Height > 0 {
		i.Ratio = math.Round(float64(i.Width)/float64(i.Height)*1e4) / 1e4
	}
	switch {
	case u == nil:
		return i
	case u.URL == "":
		i.Approved = 0
		return i
	}
	file := &cheveFile{base, stem, e.Type, i.Extension, u.URL, e.Size}
	i.URL, i.Image, i.Medium, i.Thumb = u.URL, file, file, file
	if u.Thumbnail != "" {
		i.Thumb = &cheveFile{base, stem, e.Type, i.Extension, u.Thumbnail, 0}
	}
	i.Viewer, i.Short, i.Display = viewer(*u), viewer(*u), u.URL
	return i
}

// viewer returns the address of the page that shows a picture, or of the picture
// where its host has none.
func viewer(u operate.Upload) string {
	if u.ViewerURL != "" {
		return u.ViewerURL
	}
	return u.URL
}

// formatted returns a size as Chevereto shows it.
func formatted(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1000*1000:
		return fmt.Sprintf("%.1f KB", float64(n)/1000)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1000/1000)
}
