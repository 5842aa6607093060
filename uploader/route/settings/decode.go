package settings

import (
	"encoding"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
)

// decoder puts a parsed file into Go values and gathers what does not fit.
type decoder struct {
	places map[string]Place
	root   reflect.Type
	errs   Errors
}

// at returns the place of p, or of the nearest value around it.
func (d *decoder) at(p path) Place {
	for q := p; len(q) > 0; q = q[:len(q)-1] {
		if at, ok := d.places[q.id()]; ok {
			at.Key = p.String()
			return at
		}
	}
	return Place{Key: p.String()}
}

func (d *decoder) fail(p path, format string, args ...any) {
	d.errs = append(d.errs, &Error{Place: d.at(p), Text: fmt.Sprintf(format, args...)})
}

// value decodes value, which stands at p, into v.
func (d *decoder) value(p path, value any, v reflect.Value) {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		v = v.Elem()
	}
	if d.own(p, value, v) {
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		if t, ok := value.(map[string]any); ok {
			d.table(p, t, v)
			return
		}
	case reflect.Map:
		if t, ok := value.(map[string]any); ok {
			d.mapping(p, t, v)
			return
		}
	case reflect.Slice:
		if items, ok := list(value); ok {
			d.slice(p, items, v)
			return
		}
	case reflect.Interface:
		v.Set(reflect.ValueOf(value))
		return
	default:
		if d.plain(p, value, v) {
			return
		}
	}
	d.mismatch(p, value, v)
}

// own lets a type with a form of its own take the value.
func (d *decoder) own(p path, value any, v reflect.Value) bool {
	if !v.CanAddr() {
		return false
	}
	var err error
	switch u := v.Addr().Interface().(type) {
	case Unmarshaler:
		err = u.UnmarshalSetting(value, d.at(p))
	case *time.Time:
		t, ok := value.(time.Time)
		if !ok {
			d.mismatch(p, value, v)
			return true
		}
		*u = t
	case encoding.TextUnmarshaler:
		s, ok := value.(string)
		if !ok {
			d.mismatch(p, value, v)
			return true
		}
		err = u.UnmarshalText([]byte(s))
	default:
		return false
	}
	var many Errors
	switch {
	case errors.As(err, &many):
		d.errs = append(d.errs, many...)
	case err != nil:
		d.fail(p, "%s: %s", p, err)
	}
	return true
}

// table decodes t into the struct v.
func (d *decoder) table(p path, t map[string]any, v reflect.Value) {
	fields := fieldsOf(v.Type())
	for _, k := range slices.Sorted(maps.Keys(t)) {
		index, ok := fields[k]
		if !ok {
			d.unknown(p, k, slices.Collect(maps.Keys(fields)))
			continue
		}
		d.value(p.key(k), t[k], v.FieldByIndex(index))
	}
	d.fillPlaces(p, t, v)
}

// unknown reports a key that v's type does not have.
func (d *decoder) unknown(p path, k string, known []string) {
	where := "at the top of the file"
	if len(p) > 0 {
		where = "in " + tableName(p)
	}
	hint := Suggest(k, known)
	if _, top := fieldsOf(d.root)[k]; top && len(p) > 0 && Nearest(k, known) == "" {
		hint = "it belongs at the top of the file, before the first [table]"
	}
	d.fail(p.key(k), "unknown key %q %s; %s", k, where, hint)
}

// tableName names the table at p as it is headed in the file.
func tableName(p path) string {
	if last := p[len(p)-1]; strings.HasPrefix(last, "#") {
		name := p.String()
		open := strings.LastIndexByte(name, '[')
		return fmt.Sprintf("[[%s]] number %s", name[:open], name[open+1:len(name)-1])
	}
	return "[" + p.String() + "]"
}

// fillPlaces sets the field of type Places, if v has one.
func (d *decoder) fillPlaces(p path, t map[string]any, v reflect.Value) {
	for i := range v.NumField() {
		if v.Field(i).Type() != reflect.TypeFor[Places]() || !v.Field(i).CanSet() {
			continue
		}
		places := Places{"": d.at(p)}
		for k := range t {
			places[k] = d.at(p.key(k))
		}
		v.Field(i).Set(reflect.ValueOf(places))
	}
}

// mapping decodes t into the map v.
func (d *decoder) mapping(p path, t map[string]any, v reflect.Value) {
	if v.IsNil() {
		v.Set(reflect.MakeMapWithSize(v.Type(), len(t)))
	}
	for _, k := range slices.Sorted(maps.Keys(t)) {
		key := reflect.ValueOf(k).Convert(v.Type().Key())
		elem := reflect.New(v.Type().Elem()).Elem()
		if old := v.MapIndex(key); old.IsValid() {
			elem.Set(old)
		}
		d.value(p.key(k), t[k], elem)
		v.SetMapIndex(key, elem)
	}
}

// list returns a TOML array, of tables or not, as one kind of slice.
func list(value any) ([]any, bool) {
	switch s := value.(type) {
	case []any:
		return s, true
	case []map[string]any:
		out := make([]any, len(s))
		for i := range s {
			out[i] = s[i]
		}
		return out, true
	}
	return nil, false
}

// slice decodes items into the slice v; an empty array gives an empty slice.
func (d *decoder) slice(p path, items []any, v reflect.Value) {
	out := reflect.MakeSlice(v.Type(), len(items), len(items))
	for i, item := range items {
		d.value(p.index(i), item, out.Index(i))
	}
	v.Set(out)
}

// plain decodes text, numbers and truth values; false means another type.
func (d *decoder) plain(p path, value any, v reflect.Value) bool {
	switch x := value.(type) {
	case string:
		if v.Kind() != reflect.String {
			return false
		}
		v.SetString(x)
	case bool:
		if v.Kind() != reflect.Bool {
			return false
		}
		v.SetBool(x)
	case int64:
		return d.integer(p, x, v)
	case float64:
		if !v.CanFloat() {
			return false
		}
		v.SetFloat(x)
	default:
		return false
	}
	return true
}

func (d *decoder) integer(p path, x int64, v reflect.Value) bool {
	switch {
	case v.CanInt() && !v.OverflowInt(x):
		v.SetInt(x)
	case v.CanUint() && x >= 0 && !v.OverflowUint(uint64(x)):
		v.SetUint(uint64(x))
	case v.CanFloat():
		v.SetFloat(float64(x))
	case v.CanInt() || v.CanUint():
		d.fail(p, "%s: %d is out of range", p, x)
	default:
		return false
	}
	return true
}

// fieldsOf returns the keys of a struct and where their fields are. The fields of
// an embedded struct without a tag count as the struct's own.
func fieldsOf(t reflect.Type) map[string][]int {
	out := map[string][]int{}
	for _, f := range reflect.VisibleFields(t) {
		tag, _, _ := strings.Cut(f.Tag.Get("toml"), ",")
		if tag == "-" || !f.IsExported() || f.Anonymous && tag == "" || f.Type == reflect.TypeFor[Places]() {
			continue
		}
		if len(f.Index) > 1 && !flat(t, f.Index[:len(f.Index)-1]) {
			continue
		}
		if tag == "" {
			tag = strings.ToLower(f.Name)
		}
		if old, taken := out[tag]; !taken || len(f.Index) < len(old) {
			out[tag] = f.Index
		}
	}
	return out
}

// flat reports whether the struct embedded at index has no key of its own.
func flat(t reflect.Type, index []int) bool {
	for i := range index {
		if tag := t.FieldByIndex(index[:i+1]).Tag.Get("toml"); tag != "" {
			return false
		}
	}
	return true
}
