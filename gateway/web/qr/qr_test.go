package qr

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"rsc.io/qr"
)

// bar is one run of black modules in the path.
var bar = regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-(\d+)z`)

// TestWrite draws a code and compares it with the code's modules, one by one.
func TestWrite(t *testing.T) {
	const text = "https://pictures.example:8443/dav/"
	var b bytes.Buffer
	if err := Write(&b, text); err != nil {
		t.Fatal(err)
	}
	var svg struct {
		ViewBox string `xml:"viewBox,attr"`
		Path    []struct {
			D string `xml:"d,attr"`
		} `xml:"path"`
	}
	if err := xml.Unmarshal(b.Bytes(), &svg); err != nil || len(svg.Path) != 2 {
		t.Fatalf("%v: %s", err, b.String())
	}
	want, err := qr.Encode(text, qr.M)
	if err != nil {
		t.Fatal(err)
	}
	black := make(map[[2]int]bool)
	for _, m := range bar.FindAllStringSubmatch(svg.Path[1].D, -1) {
		x, _ := strconv.Atoi(m[1])
		y, _ := strconv.Atoi(m[2])
		n, _ := strconv.Atoi(m[3])
		for i := range n {
			black[[2]int{x + i, y}] = true
		}
	}
	for y := -quiet; y < want.Size+quiet; y++ {
		for x := -quiet; x < want.Size+quiet; x++ {
			if black[[2]int{x + quiet, y + quiet}] != want.Black(x, y) {
				t.Fatalf("the module at %d, %d is wrong", x, y)
			}
		}
	}
	if side := want.Size + 2*quiet; svg.ViewBox != fmt.Sprintf("0 0 %d %d", side, side) {
		t.Errorf("it is drawn in %s", svg.ViewBox)
	}
	if err := Write(&b, strings.Repeat("x", 1001)); err == nil {
		t.Error("1,001 bytes are drawn")
	}
}
