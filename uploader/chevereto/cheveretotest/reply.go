package cheveretotest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// translations of the messages that were seen in other languages.
var translations = map[string]map[string]string{
	"zh": {"Duplicated upload": "重复上传"},
	"de": {"Duplicated upload": "Doppelter Upload"},
}

// refuse answers e: HTTP 400 for everything that is JSON.
func (c Config) refuse(w http.ResponseWriter, e refusal) {
	if e.status != 0 {
		html(w, e.status)
		return
	}
	if said := translations[c.Language][e.message]; said != "" {
		e.message = said
	}
	write(w, http.StatusBadRequest, map[string]any{
		"status_code": 400, "status_txt": "Bad Request",
		"error": map[string]any{"message": e.message, "code": e.code},
	})
}

// accept answers with p, in types as they were seen to wander.
func (c Config) accept(w http.ResponseWriter, r *http.Request, p *Picture) {
	base := "http://" + r.Host
	image := map[string]any{
		"id_encoded": p.ID, "name": p.File, "filename": p.File, "extension": p.ext, "size": p.Size, "width": 640, "height": 480,
		"title": p.Title, "description": p.Description, "original_filename": p.Name, "md5": p.MD5, "source_md5": nil,
		"is_approved": 1, "expiration_date_gmt": nil, "display_width": "500", "display_height": 375,
		"url": base + p.path(), "display_url": base + p.path(), "url_viewer": base + "/image/" + p.ID,
		"thumb": map[string]any{"url": base + p.path()}, "delete_url": base + "/image/" + p.ID + "/delete/" + p.DeleteHash,
	}
	if p.Width > 0 {
		image["source_md5"] = p.SourceMD5
	}
	if !p.Expires.IsZero() {
		image["expiration_date_gmt"] = p.Expires.Format(time.DateTime)
	}
	if p.Awaiting {
		image["is_approved"] = 0
		image["thumb"] = map[string]any{}
		delete(image, "url")
		delete(image, "display_url")
	}
	write(w, http.StatusOK, map[string]any{
		"status_code": 200, "status_txt": "OK", "image": image,
		"success": map[string]any{"message": "file uploaded", "code": 200},
	})
}

// path returns where the stored file is.
func (p *Picture) path() string { return p.Created.UTC().Format("/images/2006/01/02/") + p.File }

// write answers JSON.
func write(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // of maps of texts and numbers
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	w.Write(b)
}

// html answers a page.
func html(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html; charset=UTF-8")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<!DOCTYPE html><html><body><h1>%d %s</h1></body></html>", status, http.StatusText(status))
}
