package metadata

import (
	"maps"
	"math"
	"strconv"
	"strings"
	"time"
)

// stock are captions that cameras write of their own accord.
var stock = map[string]bool{
	"OLYMPUS DIGITAL CAMERA": true, "SONY DSC": true, "DIGITAL CAMERA": true, "MINOLTA DIGITAL CAMERA": true,
	"KONICA MINOLTA DIGITAL CAMERA": true, "SAMSUNG DIGITAL CAMERA": true, "DCIM": true,
}

// result returns what was collected with what follows from it.
func (c *collector) result() map[string]string {
	out := maps.Clone(c.values)
	set := func(key, value string) {
		if value = clean(value); value != "" {
			out[key] = value
		}
	}
	if t, clock, ok := c.taken(); ok {
		set("exif.date", t.Format(time.DateOnly))
		set("exif.year", t.Format("2006"))
		set("exif.month", t.Format("01"))
		set("exif.day", t.Format("02"))
		if clock {
			set("exif.time", t.Format(time.TimeOnly))
		}
	}
	set("exif.camera", camera(c.values["exif.Make"], c.values["exif.Model"]))
	set("title", c.first("xmp.Title", "iptc.ObjectName", "iptc.Headline"))
	set("caption", c.first("xmp.Description", "iptc.Caption-Abstract", "exif.ImageDescription"))
	set("keywords", c.keywords())
	if lat, lon, ok := c.place(); ok {
		set("gps.lat", strconv.FormatFloat(lat, 'f', 6, 64))
		set("gps.lon", strconv.FormatFloat(lon, 'f', 6, 64))
	}
	return out
}

// first returns the first value of keys that a person may have written.
func (c *collector) first(keys ...string) string {
	for _, key := range keys {
		if v := c.values[key]; v != "" && !stock[strings.ToUpper(v)] {
			return v
		}
	}
	return ""
}

// taken returns when the picture was taken, and whether the hour is known too.
func (c *collector) taken() (t time.Time, clock, ok bool) {
	for _, key := range [...]string{"exif.DateTimeOriginal", "exif.CreateDate", "xmp.DateTimeOriginal", "xmp.DateCreated", "xmp.CreateDate", "exif.ModifyDate"} {
		if t, clock, ok = moment(c.values[key]); ok {
			return t, clock, true
		}
	}
	return moment(strings.TrimSpace(c.values["iptc.DateCreated"] + " " + c.values["iptc.TimeCreated"]))
}

// moment reads "2026:11:22 13:14:15" (Exif 2.32 §4.6.5) and its likes: other
// separators, a fraction or a time zone behind it, no time at all. A camera
// whose clock was never set says 0000:00:00, which is no date.
func moment(s string) (t time.Time, clock, ok bool) {
	if len(s) < len(time.DateOnly) {
		return time.Time{}, false, false
	}
	day := s[:4] + "-" + s[5:7] + "-" + s[8:10]
	if len(s) >= len(time.DateTime) {
		if t, err := time.Parse(time.DateTime, day+" "+s[11:19]); err == nil {
			return t, true, true
		}
	}
	t, err := time.Parse(time.DateOnly, day)
	return t, false, err == nil
}

// camera joins make and model, of which the second often repeats the first:
// "NIKON CORPORATION", "NIKON D850".
func camera(maker, model string) string {
	brand, _, _ := strings.Cut(maker, " ")
	first, _, _ := strings.Cut(model, " ")
	if maker == "" || strings.EqualFold(brand, first) {
		return model
	}
	return strings.TrimSpace(maker + " " + model)
}

// keywords merges those of all kinds, each once whatever its case.
func (c *collector) keywords() string {
	all := append(append([]string{}, c.lists["iptc.Keywords"]...), c.lists["xmp.Subject"]...)
	var out []string
	seen := map[string]bool{}
	for _, entry := range all {
		for word := range strings.SplitSeq(entry, ",") {
			word = strings.Join(strings.Fields(word), " ")
			if key := strings.ToLower(word); word != "" && !seen[key] {
				seen[key] = true
				out = append(out, word)
			}
		}
	}
	return strings.Join(out, ", ")
}

// place returns where the picture was taken, in degrees.
func (c *collector) place() (lat, lon float64, ok bool) {
	lat, lon = c.lat, c.lon
	if strings.HasPrefix(strings.ToUpper(c.values["exif.GPSLatitudeRef"]), "S") {
		lat = -lat
	}
	if strings.HasPrefix(strings.ToUpper(c.values["exif.GPSLongitudeRef"]), "W") {
		lon = -lon
	}
	if c.values["exif.GPSLatitude"] == "" || c.values["exif.GPSLongitude"] == "" {
		lat, lon = degrees(c.values["xmp.GPSLatitude"]), degrees(c.values["xmp.GPSLongitude"])
	}
	// Receivers without a fix write zeros; nobody takes pictures at 0, 0.
	ok = math.Abs(lat) <= 90 && math.Abs(lon) <= 180 && (lat != 0 || lon != 0)
	return lat, lon, ok
}

// degrees reads a coordinate of XMP ("26,34.951N", "26,34,57N"; XMP part 2
// §3.3) or plain degrees. It is NaN where there is none.
func degrees(s string) float64 {
	sign := 1.0
	if n := len(s); n > 0 && strings.Contains("NESWnesw", s[n-1:]) {
		if strings.Contains("SWsw", s[n-1:]) {
			sign = -1
		}
		s = s[:n-1]
	}
	sum, unit := 0.0, 1.0
	for part := range strings.SplitSeq(s, ",") {
		v, err := strconv.ParseFloat(strings.TrimSpace(part), 64)
		if err != nil {
			return math.NaN()
		}
		sum, unit = sum+v/unit, unit*60
	}
	return sign * sum
}
