package route

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"slipway/uploader/route/keys"
)

// names gives the ids of a host's albums or categories by their names.
type names map[string]string

// newNames returns m with its names in the form they are compared in.
func newNames(m map[string]keys.Text) names {
	out := names{}
	for name, id := range m {
		out[key(name)] = string(id)
	}
	return out
}

// find returns the id of a name: of the very name, or else of the only one that
// differs in the case of letters.
func (n names) find(name string) (id string, ok bool) {
	name = key(name)
	if id, ok = n[name]; ok {
		return id, true
	}
	found := 0
	for k, v := range n {
		if strings.EqualFold(k, name) {
			id = v
			found++
		}
	}
	if found != 1 {
		return "", false
	}
	return id, true
}

// isID reports whether s is one of the ids.
func (n names) isID(s string) bool {
	for _, id := range n {
		if id == s {
			return true
		}
	}
	return false
}

// list returns the names in order.
func (n names) list() []string { return slices.Sorted(maps.Keys(n)) }

// isNumber reports whether s can be a category's id: every API that has one counts
// categories with whole numbers, and takes others for none or for an error.
func isNumber(s string) bool {
	_, err := strconv.ParseUint(s, 10, 32)
	return err == nil
}
