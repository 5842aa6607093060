package progress

import (
	"strings"
	"testing"
	"time"
)

func TestRender(t *testing.T) {
	const mib = 1 << 20
	half := State{Name: "photo.jpg", Done: 14 * mib, Size: 28 * mib, Rate: 4.1 * mib}
	with := func(f func(*State)) State { s := half; f(&s); return s }
	for _, c := range []struct {
		what  string
		s     State
		width int
		want  string
	}{
		{"wide", half, 80, "photo.jpg      [============>           ]   50%  14.0/28.0 MiB  4.1 MiB/s  0:04"},
		{"no bar", half, 60, "photo.jpg   50%  14.0/28.0 MiB  4.1 MiB/s  0:04"},
		{"no rate", half, 45, "photo.jpg  [=====>    ]   50%  14.0/28.0 MiB"},
		{"no bytes", half, 20, "photo.jpg   50%"},
		{"no numbers", half, 14, "photo.jpg"},
		{"hardly the name", half, 8, "pho…jpg"},
		{"one column", half, 2, "…"},
		{"none", half, 1, ""},
		{"less than none", half, -5, ""},
		{"one of several", with(func(s *State) { s.File, s.Files = 2, 7 }), 80, "[2/7] photo.jpg    [==========>         ]   50%  14.0/28.0 MiB  4.1 MiB/s  0:04"},
		{"one of one", with(func(s *State) { s.File, s.Files = 1, 1 }), 20, "photo.jpg   50%"},
		{"begun", with(func(s *State) { s.Done, s.Rate = 0, 0 }), 80, "photo.jpg        [>                          ]    0%  0.0/28.0 MiB  0 B/s  -:--"},
		{"nearly all", with(func(s *State) { s.Done = 28*mib - 1 }), 80, "photo.jpg      [=======================>]   99%  28.0/28.0 MiB  4.1 MiB/s  0:01"},
		{"all", with(func(s *State) { s.Done = 28 * mib }), 80, "photo.jpg      [========================]  100%  28.0/28.0 MiB  4.1 MiB/s  0:00"},
		{"more than all", with(func(s *State) { s.Done = 29 * mib }), 20, "photo.jpg  100%"},
		{"less than nothing", with(func(s *State) { s.Done = -1 }), 20, "photo.jpg    0%"},
		{"empty", State{Name: "e"}, 50, "e        [============]  100%  0/0 B  0 B/s  0:00"},
		{"size not known", with(func(s *State) { s.Size = -1 }), 80, "photo.jpg  14.0 MiB  4.1 MiB/s"},
		{"a note", with(func(s *State) { s.Note = "waiting for anh" }), 80, "photo.jpg  waiting for anh"},
		{"stalled", with(func(s *State) { s.Rate = 0 }), 60, "photo.jpg  [======>     ]   50%  14.0/28.0 MiB  0 B/s  -:--"},
		{"for ever", with(func(s *State) { s.Rate = 1 }), 60, "photo.jpg  [======>     ]   50%  14.0/28.0 MiB  1 B/s  -:--"},
		{"hours", with(func(s *State) { s.Rate = 14 * mib / 3725.0 }), 60, "photo.jpg   50%  14.0/28.0 MiB  3.8 KiB/s  1:02:05"},
		{"a long name", with(func(s *State) { s.Name = strings.Repeat("very long ", 10) + "name.jpeg" }), 80, "very long ver…ong name.jpeg  [=====>    ]   50%  14.0/28.0 MiB  4.1 MiB/s  0:04"},
		{"wide letters", with(func(s *State) { s.Name = "夏休みの写真アルバム.jpg" }), 36, "夏休みの….jpg   50%  14.0/28.0 MiB"},
		{"marks above", with(func(s *State) { s.Name = "cafe\u0301.jpg" }), 20, "cafe\u0301.jpg   50%"},
		{"what a terminal would obey", with(func(s *State) { s.Name = "a\x1b[2J\r\n\u202eb\xff" }), 40, "a?[2J???b\ufffd   50%  14.0/28.0 MiB"},
	} {
		got := Render(c.s, c.width)
		if got != c.want {
			t.Errorf("%s:\n got %q\nwant %q", c.what, got, c.want)
		}
		if cells(got) > max(c.width-1, 0) {
			t.Errorf("%s: %d cells in %d columns", c.what, cells(got), c.width)
		}
	}
}

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1000: "1.0 KiB", 1024: "1.0 KiB", 1536: "1.5 KiB", 999 << 10: "999.0 KiB", 1000 << 10: "1.0 MiB",
		1 << 30: "1.0 GiB", 1 << 40: "1.0 TiB", 5 << 50: "5.0 PiB", 1<<63 - 1: "8.0 EiB",
	} {
		if got := Bytes(n); got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
}

func TestClock(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0:00", 1: "0:01", time.Second: "0:01", 59*time.Minute + 59*time.Second: "59:59", time.Hour: "1:00:00", 100 * time.Hour: "100:00:00"} {
		if got := clock(d); got != want {
			t.Errorf("%v is %s, want %s", d, got, want)
		}
	}
}

func FuzzRender(f *testing.F) {
	f.Add("photo.jpg", "", int64(1), int64(2), 1.0, 1, 2, 80)
	f.Add("夏休み\x1b", "waiting", int64(-1), int64(-1), -1.0, 0, 0, 3)
	f.Fuzz(func(t *testing.T, name, note string, done, size int64, rate float64, file, files, columns int) {
		columns %= 500
		s := Render(State{name, done, size, rate, file, files, note}, columns)
		if n := cells(s); n > max(columns-1, 0) {
			t.Errorf("%d cells in %d columns: %q", n, columns, s)
		}
		if s != clean(s) {
			t.Errorf("not printable: %q", s)
		}
	})
}
