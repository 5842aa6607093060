package sidecar

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"slipway/vfs"
	"slipway/vfs/blob"
)

// receiptJSON is the form of NAME.json.
type receiptJSON struct {
	Version  int          `json:"version"`
	Path     string       `json:"path"`
	Size     int64        `json:"size"`
	SHA256   string       `json:"sha256"`
	Modified string       `json:"modified"`
	Uploads  []uploadJSON `json:"uploads"`
	Previous []uploadJSON `json:"previous"`
}

type uploadJSON struct {
	Destination  string   `json:"destination"`
	State        string   `json:"state"`
	Reason       string   `json:"reason"`
	URL          string   `json:"url"`
	ViewerURL    string   `json:"viewer_url"`
	ThumbnailURL string   `json:"thumbnail_url"`
	ID           string   `json:"id"`
	Album        string   `json:"album"`
	Category     string   `json:"category"`
	Attempts     int      `json:"attempts"`
	SentAt       *string  `json:"sent_at"`
	NextTry      *string  `json:"next_try,omitempty"`
	Error        string   `json:"error"`
	Remedy       string   `json:"remedy,omitempty"`
	SHA256       string   `json:"sha256,omitempty"`
	Notes        []string `json:"notes,omitempty"`
}

func uploadsJSON(list []Upload) []uploadJSON {
	out := make([]uploadJSON, 0, len(list)) // [] rather than null
	for _, u := range list {
		j := uploadJSON{
			u.Destination, u.State, u.Reason, u.URL, u.ViewerURL, u.ThumbnailURL, u.ID, u.Album, u.Category,
			u.Attempts, momentJSON(u.SentAt), momentJSON(u.NextTry), u.Error, u.Remedy, "", u.Notes,
		}
		if !u.SHA256.IsZero() {
			j.SHA256 = u.SHA256.String()
		}
		out = append(out, j)
	}
	return out
}

func momentJSON(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := moment(t)
	return &s
}

// FuzzReceiptJSON compares NAME.json with what encoding/json makes of the same.
func FuzzReceiptJSON(f *testing.F) {
	f.Add("/a.jpg", "https://h/a?b=1&c=<d>", "", int64(0), uint8(0))
	f.Add("/\xff\u2028\"\\", "\x00\x7f\u007fš", "note\ttab", int64(1e18), uint8(255))
	f.Fuzz(func(t *testing.T, path, address, note string, n int64, shape uint8) {
		u := Upload{
			Destination: address, State: "done", Reason: note, URL: address, ViewerURL: path, ThumbnailURL: note, ID: address,
			Album: note, Category: path, Attempts: int(n), Error: note,
		}
		if shape&1 != 0 {
			u.SentAt, u.Notes = time.Unix(n%1e11, n%1e9), []string{note, path}
		}
		if shape&2 != 0 {
			u.NextTry, u.Remedy, u.SHA256 = time.Unix(0, n), note, blob.Sum{1, shape}
		}
		p := newPicture(path, &vfs.Entry{Size: n, SHA256: blob.Sum{2, shape}, Modified: time.Unix(0, n)}, path,
			Receipt{Uploads: make([]Upload, shape>>2&3), Previous: make([]Upload, shape>>4&3)})
		for _, list := range [][]Upload{p.receipt.Uploads, p.receipt.Previous} {
			for i := range list {
				list[i] = u
			}
		}
		var got, want bytes.Buffer
		renderJSON(&got, []*picture{&p}, render{})
		if err := json.NewEncoder(&want).Encode(receiptJSON{
			1, p.path, p.entry.Size, p.entry.SHA256.String(), moment(p.entry.Modified), uploadsJSON(p.receipt.Uploads), uploadsJSON(p.receipt.Previous),
		}); err != nil {
			t.Fatal(err)
		}
		if got.String() != want.String() {
			t.Fatalf("%s\nwant\n%s", &got, &want)
		}
	})
}
