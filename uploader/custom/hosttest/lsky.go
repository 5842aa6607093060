package hosttest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// lskyTypes are the extensions that Lsky Pro takes as it is installed.
var lskyTypes = []string{"jpeg", "jpg", "png", "gif", "tif", "bmp", "ico", "psd", "webp"}

// Lsky is Lsky Pro with its API version 1: POST /api/v1/upload with a Bearer token,
// the file in the part "file", strategy_id beside it (strategies 1 and 2 are there).
// It judges a file by the extension of its name. What it refuses it answers with HTTP
// 200, "status": false and a message in Chinese; 401 and 429 are its framework's. The
// same bytes again get the same URL and another key. DELETE /api/v1/images/KEY says
// yes to keys that it does not have, too; the file goes with its last key.
func Lsky(c Config) *Server { return newServer(c, (*Server).lsky) }

func (s *Server) lsky(w http.ResponseWriter, r *http.Request) {
	c := s.config()
	key, isImage := strings.CutPrefix(r.URL.Path, "/api/v1/images/")
	api := r.URL.Path == "/api/v1/upload" || isImage
	switch {
	case !api:
		s.lskyShow(w, r)
	case c.Key != "" && r.Header.Get("Authorization") != "Bearer "+c.Key && r.Header.Get("Accept") != "application/json":
		w.Header().Set("Location", "/login")
		page(w, http.StatusFound, "") // a framework that takes us for a browser
	case c.Key != "" && r.Header.Get("Authorization") != "Bearer "+c.Key:
		lskyAnswer(w, http.StatusUnauthorized, false, "Unauthenticated.", map[string]any{})
	case isImage && r.Method == http.MethodDelete:
		s.remove(func(p *Picture) bool { return p.ID == key })
		lskyAnswer(w, http.StatusOK, true, "删除成功", map[string]any{})
	case r.Method != http.MethodPost:
		page(w, http.StatusMethodNotAllowed, "")
	default:
		s.lskyUpload(w, r, c)
	}
}

// lskyUpload judges in the order in which the site does.
func (s *Server) lskyUpload(w http.ResponseWriter, r *http.Request, c Config) {
	u, err := readForm(r, "file")
	refuse := func(message string) { lskyAnswer(w, http.StatusOK, false, message, map[string]any{}) }
	switch {
	case err != nil:
	case len(u.bytes) == 0:
		refuse("服务异常，请稍后再试")
	case !slices.Contains(lskyTypes, u.ext()):
		refuse("不支持的文件类型")
	case c.MaxSize > 0 && int64(len(u.bytes)) > c.MaxSize:
		refuse("图片大小超出限制")
	case !slices.Contains([]string{"", "1", "2"}, u.told["strategy_id"]):
		refuse("选定的策略不存在")
	case s.tooMany(c):
		refuse(fmt.Sprintf("每小时内你最多可以上传 %d 张图片", c.PerHour))
	default:
		first := s.sameBytes(u)
		p := s.keep(u, c, func(n int, p *Picture) {
			p.ID = fmt.Sprintf("Lk%06d", n)
			p.Path = fmt.Sprintf("/uploads/2026/11/22/%016x.%s", n*104729, u.ext())
			if first != "" {
				p.Path = first
			}
		})
		link := base(r) + p.Path
		lskyAnswer(w, http.StatusOK, true, "上传成功", map[string]any{
			"key": p.ID, "name": p.Path[strings.LastIndex(p.Path, "/")+1:], "pathname": strings.TrimPrefix(p.Path, "/"),
			"origin_name": p.Name, "size": float64(len(p.Bytes)) / 1024, "mimetype": http.DetectContentType(p.Bytes),
			"extension": u.ext(), "md5": p.Sums.MD5,
			"links": map[string]any{
				"url": link, "html": `&lt;img src="` + link + `" /&gt;`, "bbcode": "[img]" + link + "[/img]", "markdown": "![](" + link + ")",
				"thumbnail_url": base(r) + "/thumbnails/" + p.Sums.MD5 + ".png",
			},
		})
	}
}

// sameBytes returns the path of a file with the same bytes, or "".
func (s *Server) sameBytes(u upload) string {
	for _, p := range s.Stored() {
		if p.Sums == u.sums && !p.Deleted {
			return p.Path
		}
	}
	return ""
}

// lskyShow gives pictures and thumbnails.
func (s *Server) lskyShow(w http.ResponseWriter, r *http.Request) {
	for _, p := range s.Stored() {
		if !p.Deleted && r.URL.Path == "/thumbnails/"+p.Sums.MD5+".png" {
			r.URL.Path = p.Path
		}
	}
	s.show(w, r)
}

func lskyAnswer(w http.ResponseWriter, code int, status bool, message string, data map[string]any) {
	write(w, code, map[string]any{"status": status, "message": message, "data": data})
}
