package album

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"html"
	"net/http"
	"strings"
	"time"
)

// address returns the absolute address of a file of the album; "" is the gallery.
func (l *location) address(file string) string {
	return strings.TrimRight(l.Base(), "/") + Path(l.dir) + file
}

// page returns where people look at p.
func (l *location) page(p Picture) string {
	if p.Page != "" {
		return p.Page
	}
	return p.URL
}

// body is p as a feed's HTML.
func (p Picture) body() string {
	shown := p.Thumbnail
	if shown == "" {
		shown = p.URL
	}
	return `<a href="` + html.EscapeString(p.URL) + `"><img src="` + html.EscapeString(shown) + `" alt="` + html.EscapeString(visible(p.Name)) + `"></a>`
}

// rssFeed is RSS 2.0 (https://www.rssboard.org/rss-specification) with Media RSS.
type rssFeed struct {
	XMLName xml.Name   `xml:"rss"`
	Version string     `xml:"version,attr"`
	Media   string     `xml:"xmlns:media,attr"`
	Atom    string     `xml:"xmlns:atom,attr"`
	Channel rssChannel `xml:"channel"`
}

type rssChannel struct {
	Title       string    `xml:"title"`
	Link        string    `xml:"link"`
	Self        rssSelf   `xml:"atom:link"`
	Description string    `xml:"description"`
	Built       string    `xml:"lastBuildDate,omitempty"`
	TTL         int       `xml:"ttl"` // minutes
	Items       []rssItem `xml:"item"`
}

type rssSelf struct {
	Href string `xml:"href,attr"`
	Rel  string `xml:"rel,attr"`
	Type string `xml:"type,attr"`
}

type rssItem struct {
	Title       string    `xml:"title"`
	Link        string    `xml:"link"`
	GUID        rssGUID   `xml:"guid"`
	Published   string    `xml:"pubDate"`
	Description string    `xml:"description"`
	Enclosure   rssFile   `xml:"enclosure"`
	Content     rssMedia  `xml:"media:content"`
	Thumbnail   *rssThumb `xml:"media:thumbnail"`
}

type rssGUID struct {
	PermaLink bool   `xml:"isPermaLink,attr"`
	ID        string `xml:",chardata"`
}

type rssFile struct {
	URL    string `xml:"url,attr"`
	Length int64  `xml:"length,attr"`
	Type   string `xml:"type,attr"`
}

type rssMedia struct {
	URL      string `xml:"url,attr"`
	FileSize int64  `xml:"fileSize,attr"`
	Type     string `xml:"type,attr"`
	Medium   string `xml:"medium,attr"`
	Title    string `xml:"media:title"`
}

type rssThumb struct {
	URL string `xml:"url,attr"`
}

// rss answers with the newest pictures as RSS.
func (l *location) rss(w http.ResponseWriter) error {
	newest, err := l.recent.newest(l.r.Context(), l.dir, l.folder)
	if err != nil {
		return err
	}
	f := rssFeed{Version: "2.0", Media: "http://search.yahoo.com/mrss/", Atom: "http://www.w3.org/2005/Atom", Channel: rssChannel{
		Title: l.title(), Link: l.address(""), Self: rssSelf{l.address("feed.xml"), "self", "application/rss+xml"},
		Description: "The newest pictures of " + l.title(), TTL: max(1, int(fresh.Minutes())),
	}}
	if len(newest) > 0 {
		f.Channel.Built = newest[0].Hosted.UTC().Format(time.RFC1123Z)
	}
	for _, p := range newest {
		item := rssItem{
			Title: visible(p.Name), Link: l.page(p), GUID: rssGUID{ID: p.ID}, Published: p.Hosted.UTC().Format(time.RFC1123Z), Description: p.body(),
			Enclosure: rssFile{p.URL, p.Size, p.Type}, Content: rssMedia{p.URL, p.Size, p.Type, "image", visible(p.Name)},
		}
		if p.Thumbnail != "" {
			item.Thumbnail = &rssThumb{p.Thumbnail}
		}
		f.Channel.Items = append(f.Channel.Items, item)
	}
	var b bytes.Buffer
	b.WriteString(xml.Header)
	if err := xml.NewEncoder(&b).Encode(f); err != nil {
		return err
	}
	w.Header().Set("Access-Control-Allow-Origin", "*")
	return l.send(w, "application/rss+xml; charset=utf-8", b.Bytes())
}

// jsonFeed is https://www.jsonfeed.org/version/1.1/.
type jsonFeed struct {
	Version string     `json:"version"`
	Title   string     `json:"title"`
	Home    string     `json:"home_page_url"`
	Feed    string     `json:"feed_url"`
	Items   []jsonItem `json:"items"`
}

type jsonItem struct {
	ID          string     `json:"id"`
	URL         string     `json:"url"`
	Title       string     `json:"title"`
	HTML        string     `json:"content_html"`
	Image       string     `json:"image"`
	Published   time.Time  `json:"date_published"`
	Attachments []jsonFile `json:"attachments"`
}

type jsonFile struct {
	URL  string `json:"url"`
	Type string `json:"mime_type"`
	Size int64  `json:"size_in_bytes"`
}

// json answers with the newest pictures as JSON Feed.
func (l *location) json(w http.ResponseWriter) error {
	newest, err := l.recent.newest(l.r.Context(), l.dir, l.folder)
	if err != nil {
		return err
	}
	f := jsonFeed{
		Version: "https://jsonfeed.org/version/1.1", Title: l.title(), Home: l.address(""), Feed: l.address("feed.json"), Items: []jsonItem{},
	}
	for _, p := range newest {
		f.Items = append(f.Items, jsonItem{
			ID: p.ID, URL: l.page(p), Title: visible(p.Name), HTML: p.body(), Image: p.URL, Published: p.Hosted.UTC().Truncate(time.Second),
			Attachments: []jsonFile{{p.URL, p.Type, p.Size}},
		})
	}
	body, err := json.Marshal(f)
	if err != nil {
		return err
	}
	w.Header().Set("Access-Control-Allow-Origin", "*")
	return l.send(w, "application/feed+json; charset=utf-8", append(body, '\n'))
}
