package api

import "strings"

// Routes lists what is served, as the document names it.
func Routes() []string {
	list := []string{"GET " + Prefix + "openapi.json", "POST " + PicGo, "POST " + Chevereto}
	for _, r := range routes {
		list = append(list, r.method+" "+strings.TrimSuffix(Prefix, "/")+strings.ReplaceAll(r.path, "...", ""))
	}
	return list
}
