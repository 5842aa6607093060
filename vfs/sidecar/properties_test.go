package sidecar_test

import (
	"encoding/xml"
	"errors"
	"io/fs"
	"maps"
	"testing"
	"time"

	"slipway/vfs"
	"slipway/vfs/sidecar"
)

// labelled is a fakeFS that keeps dead properties.
type labelled struct {
	*fakeFS
	kept map[vfs.ID]map[xml.Name]string
}

func (l *labelled) Properties(infos ...fs.FileInfo) ([]map[xml.Name]string, error) {
	list := make([]map[xml.Name]string, len(infos))
	for i, info := range infos {
		if e, ok := info.Sys().(vfs.Entry); ok {
			list[i] = l.kept[e.ID]
		}
	}
	return list, nil
}

func (l *labelled) SetProperties(name string, set map[xml.Name]string, _ []xml.Name, _ time.Time) error {
	info, err := l.Stat(name)
	if err == nil {
		l.kept[info.Sys().(vfs.Entry).ID] = set
	}
	return err
}

func TestPropertiesOfFilesAndViews(t *testing.T) {
	inner := &labelled{newFake(), make(map[vfs.ID]map[xml.Name]string)}
	source := &receipts{fs: inner.fakeFS, of: make(map[vfs.ID]sidecar.Receipt)}
	v := sidecar.New(inner, source, all)
	source.of[inner.put(t, "/d/a.jpg")] = done("https://h/a.jpg")
	set := map[xml.Name]string{{Local: "x"}: "1"}
	if err := v.SetProperties("/d/a.jpg", set, nil, time.Time{}); err != nil {
		t.Fatal(err)
	}
	err := v.SetProperties("/d/a.jpg.url", set, nil, time.Time{})
	if !errors.Is(err, fs.ErrPermission) {
		t.Errorf("of a view: %v", err)
	}
	if err := v.SetProperties("/d/none", set, nil, time.Time{}); !isNotExist(err) {
		t.Errorf("of nothing: %v", err)
	}
	var infos []fs.FileInfo
	for _, name := range []string{"/d/a.jpg.url", "/d/a.jpg", "/d"} {
		info, err := v.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		infos = append(infos, info)
	}
	list, err := v.Properties(infos...)
	if err != nil || len(list) != 3 || list[0] != nil || !maps.Equal(list[1], set) || list[2] != nil {
		t.Errorf("%v, %v", list, err)
	}

	plain, unlabelled, _ := newView(all)
	unlabelled.put(t, "/a")
	if err := plain.SetProperties("/a", set, nil, time.Time{}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("where none are kept: %v", err)
	}
	if list, err := plain.Properties(infos...); len(list) != 3 || err != nil {
		t.Errorf("where none are kept: %v, %v", list, err)
	}
}
