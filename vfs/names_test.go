package vfs

import (
	"errors"
	"path"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTemporary(t *testing.T) {
	for _, test := range []struct{ pattern, yes, no string }{
		{".in.*", ".in.photo.jpg.", "photo.in.jpg"},
		{"*.filepart", "photo.jpg.filepart", "filepart"},
		{"*.part", "photo.jpg.part", "photo.part.jpg"},
		{"*.partial", "photo.jpg.PARTIAL", "partial.jpg"},
		{"*.tmp", "photo.tmp", "tmp"},
		{"*.temp", "photo.Temp", "temp.jpg"},
		{"*.tacitpart", "photo.jpg.tacitpart", "tacitpart.jpg"},
		{"*.lftp", "photo.jpg.lftp", "lftp"},
		{"*.crdownload", "photo.jpg.crdownload", "crdownload"},
		{"*.download", "photo.jpg.download", "download.jpg"},
		{"*.opdownload", "photo.jpg.opdownload", "opdownload"},
		{"*.!ut", "film.mp4.!ut", "!ut.mp4"},
		{"*.aria2", "film.mp4.aria2", "aria2.jpg"},
		{"*.ffs_tmp", "photo.0c4f.ffs_tmp", "ffs_tmp.png"},
		{"*_exiftool_tmp", "photo.jpg_exiftool_tmp", "exiftool_tmp.png"},
		{".pending-*", ".pending-1700000000-photo.jpg", "pending-1.jpg"},
		{".syncthing.*", ".syncthing.photo.jpg.tmp", "syncthing.jpg"},
		{"~syncthing~*", "~syncthing~photo.jpg", "syncthing~photo.jpg"},
		{"*_tmp.jp*g", "IMG_0001_TMP.JPG", "img_tmp.png"},
		{"*_tmp.jp*g", "img_tmp.jpeg", "img_tmp.jp2"},
		{"*_tmp.jp*g", "_tmp.jpg", "tmp.jpg"},
		{".~tmp~/", ".~tmp~/photo.jpg", "~tmp~.d/photo.jpg"},
		{".rsync-partial/", "a/.rsync-partial/photo.jpg", "rsync-partial/photo.jpg"},
		{"~$*", "~$report.docx", "$~report.docx"},
		{".~lock.*#", ".~lock.report.odt#", "lock.odt#"},
		{"*~", "photo.jpg~", "photo~1.jpg"},
		{".*.sw?", ".photo.txt.swp", "photo.swp"},
		{".*.sw?", ".photo.txt.SWO", "photo.txt.sw"},
		{"4913", "4913", "14913"},
		{"4913", "a/4913", "4913/photo.jpg"},
		{".#*", ".#photo.txt", "#photo.txt"},
		{"*.sb-????????-??????", "photo.jpg.sb-0a1b2c3d-Xy12Zz", "photo.jpg.sb-0a1b2c3d-Xy12Z"},
		{".goutputstream-*", ".goutputstream-ABC123", "goutputstream-ABC123"},
		{".nfs*", ".nfs000000000123", "nfs0001.jpg"},
		{".fuse_hidden*", ".fuse_hidden0001", "fuse_hidden0001"},
		{".smbdelete*", ".smbdeleteAAA1", "smbdelete"},
		{".davfs.tmp*", ".davfs.tmp12ab", "davfs.tmp12ab"},
		{"*.jpg_", "cam01.jpg_", "cam01.jpg"},
		{"*.dav_", "cam01.dav_", "cam01.dav"},
		{"*.idx_", "cam01.idx_", "cam01.idx"},
		{"*.mp4_", "cam01.MP4_", "cam01.mp4"},
		{"none", "x.tmp/deep/down/photo.jpg", ""},
		{"none", "/a/b.part/c", "/"},
		{"none", ".part", "x.png.jpg"},
	} {
		if !Temporary(test.yes) || !Temporary("/in/box/"+test.yes) {
			t.Errorf("%s: %q is not temporary", test.pattern, test.yes)
		}
		if Temporary(test.no) || Temporary("/in/box/"+test.no) {
			t.Errorf("%s: %q is temporary", test.pattern, test.no)
		}
	}
}

func TestJunk(t *testing.T) {
	for _, test := range []struct{ pattern, yes, no string }{
		{"leading dot", ".profile", "profile."},
		{"leading dot", ".hidden/photo.jpg", "hidden/photo.jpg"},
		{"leading dot", ".album.toml", "album.toml"},
		{"._*", "._photo.jpg", "_photo.jpg"},
		{".DS_Store", ".DS_Store", "DS_Store"},
		{"Thumbs.db", "THUMBS.DB", "Thumbs.db.jpg"},
		{"ehthumbs.db", "ehthumbs.db", "thumbs.dbx"},
		{"desktop.ini", "Desktop.ini", "mydesktop.ini"},
		{"Icon\r", "Icon\r", "Icon"},
		{".apdisk", ".apdisk", "apdisk"},
		{".fseventsd/", ".fseventsd/000", "fseventsd/000"},
		{".Spotlight-V100/", ".Spotlight-V100/x", "Spotlight-V100/x"},
		{".TemporaryItems/", ".TemporaryItems/x.jpg", "TemporaryItems/x.jpg"},
		{".Trashes/", ".Trashes/501/x.jpg", "Trashes/x.jpg"},
		{"@eaDir/", "@eaDir/photo.jpg/SYNOPHOTO_THUMB_M.jpg", "eaDir/photo.jpg"},
		{"#recycle/", "#recycle/photo.jpg", "recycle/photo.jpg"},
		{"#snapshot/", "#Snapshot/photo.jpg", "snapshot/photo.jpg"},
		{"$RECYCLE.BIN/", "$Recycle.Bin/photo.jpg", "RECYCLE.BIN/photo.jpg"},
		{"System Volume Information/", "System Volume Information/x", "System Volume/x"},
		{".Trash-*/", ".Trash-1000/files/photo.jpg", "Trash-1000/photo.jpg"},
		{"lost+found/", "lost+found/#123", "lost+found2/x"},
		{".stfolder", ".stfolder", "stfolder"},
		{".stversions/", ".stversions/photo.jpg", "stversions/photo.jpg"},
		{"*.icloud", ".photo.jpg.icloud", "icloud.jpg"},
		{"*.icloud", "photo.jpg.iCloud", "icloud"},
		{".dropbox*", ".dropbox.cache/x.jpg", "dropbox.jpg"},
		{"DVRWorkDirectory", "DVRWorkDirectory", "DVRWorkDirectory2"},
		{"*.jpg_original", "priv.jpg_original", "priv_original.jpg"},
		{"*.jpg_original", "album.d/A B.JPEG_Original", "album.jpg_original/photo.jpg"},
		{"*.cr3_original", "IMG_0001.CR3_original", "cr3_original"},
		{"*.mov_original", "clip.mov_original", "clip.mov_originals"},
		{"*.xmp_original", "a.jpg.xmp_original", "a.b c_original"},
		{"*.sync-conflict-*", "photo.sync-conflict-20240101-120000-ABCDEFG.jpg", "photo.sync-conflict.jpg"},
	} {
		if !Junk(test.yes) || !Junk("/in/box/"+test.yes) {
			t.Errorf("%s: %q is not junk", test.pattern, test.yes)
		}
		if Junk(test.no) || Junk("/in/box/"+test.no) {
			t.Errorf("%s: %q is junk", test.pattern, test.no)
		}
	}
}

func TestOrdinaryNamesAreNeither(t *testing.T) {
	for _, name := range []string{
		"/", "", "/DSC_0001.JPG", "/holiday/Škoda čtyři.jpeg", "/a/IMG 1 (2).heic", "/2024/07/4913/x.png",
		"/template.jpg", "/party/part1.jpg", "/x.jpg", "/café/photo.tmp.jpg", "/temp/x.jpg", "/tmp/x.jpg", "/the_original", "/_original", "/Mr. X_original", "/a._original", "/a.jpg png_original", "/a.b/jpg_original", "/partial/x.jpg",
	} {
		if Temporary(name) || Junk(name) {
			t.Errorf("%q: temporary %v, junk %v", name, Temporary(name), Junk(name))
		}
	}
}

func TestForWindows(t *testing.T) {
	for _, name := range []string{
		"photo.jpg", "Škoda.jpg", ".album.toml", "a b.jpg", "console.txt", "COM10", "COMA", "COM", "lpt.txt", "nul1", "_links.html", "[1].jpg", "a'b&c;d%20.jpg",
	} {
		if !ForWindows(name) {
			t.Errorf("%q is refused", name)
		}
	}
	for _, name := range []string{
		"", "a<b", "a>b", "a:b", `a"b`, "a/b", `a\b`, "a|b", "a?b", "a*b", "a\x00b", "Icon\r", "a\x1fb", "a.", "a ", ".", "..",
		"con", "PRN", "aux.txt", "nul.tar.gz", "COM1", "com9.jpg", "LPT1", "lpt0.x", "COM¹", "LPT³.txt", "conin$", "CONOUT$", "nul .txt",
	} {
		if ForWindows(name) {
			t.Errorf("%q is accepted", name)
		}
	}
}

func TestClean(t *testing.T) {
	long := strings.Repeat("x", 255)
	for in, want := range map[string]string{
		"":                      "/",
		"/":                     "/",
		".":                     "/",
		"..":                    "/",
		"a":                     "/a",
		"/a/b/":                 "/a/b",
		"//a///b":               "/a/b",
		"/a/./b/../c":           "/a/c",
		"/../../etc/passwd":     "/etc/passwd",
		"a/../../..":            "/",
		`/a\..\b`:               `/a\..\b`,
		"/Škoda/žluťoučký":      "/Škoda/žluťoučký",
		"/" + long + "/" + long: "/" + long + "/" + long,
		"/Icon\r":               "/Icon\r",
	} {
		if got, err := Clean(in); got != want || err != nil {
			t.Errorf("Clean(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"\x00", "/a\x00b", "/\xff", "/a/\xc3", "/" + long + "x", "/a/" + long + "x/b", "/\xff/.."} {
		if got, err := Clean(in); !errors.Is(err, ErrBadName) {
			t.Errorf("Clean(%q) = %q, %v", in, got, err)
		}
	}
}

func TestNumbered(t *testing.T) {
	long := strings.Repeat("x", 300)
	for _, test := range []struct {
		name string
		n    int
		want string
	}{
		{"DSC_0001.JPG", 1, "DSC_0001 (1).JPG"},
		{"DSC_0001.JPG", 12, "DSC_0001 (12).JPG"},
		{"DSC_0001 (1).JPG", 1, "DSC_0001 (1) (1).JPG"},
		{"backup.tar.gz", 2, "backup (2).tar.gz"},
		{"backup.TAR.zst", 2, "backup (2).TAR.zst"},
		{".tar.gz", 1, ".tar (1).gz"},
		{"photo.jpg.json", 1, "photo.jpg (1).json"},
		{"README", 1, "README (1)"},
		{".profile", 1, ".profile (1)"},
		{"Mr. Smith", 1, "Mr. Smith (1)"},
		{"trailing.", 1, "trailing. (1)"},
		{"v1.this-is-not-an-extension", 1, "v1.this-is-not-an-extension (1)"},
		{long[:251] + ".jpg", 1, long[:247] + " (1).jpg"},
		{long[:255], 10, long[:250] + " (10)"},
		{strings.Repeat("é", 127), 1, strings.Repeat("é", 125) + " (1)"},
	} {
		if got := Numbered(test.name, test.n); got != test.want {
			t.Errorf("Numbered(%q, %d) = %q, want %q", test.name, test.n, got, test.want)
		}
	}
}

func TestKey(t *testing.T) {
	if got := Key("Cafe\u0301.jpg"); got != "Caf\u00e9.jpg" {
		t.Errorf("decomposed: %q", got)
	}
	for _, name := range []string{"", "plain.jpg", "Caf\u00e9.jpg", "\uac00"} {
		if got := Key(name); got != name {
			t.Errorf("Key(%q) = %q", name, got)
		}
	}
	if Key("A") == Key("a") {
		t.Error("case is folded")
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"", "/", "../..", "/a/./b//c/", "a\x00", "\xff", "/é/..", strings.Repeat("x", 256)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := Clean(s)
		if err != nil {
			if !errors.Is(err, ErrBadName) {
				t.Fatalf("Clean(%q): %v", s, err)
			}
			return
		}
		if !strings.HasPrefix(got, "/") || path.Clean(got) != got || !utf8.ValidString(got) || strings.Contains(got, "\x00") {
			t.Fatalf("Clean(%q) = %q", s, got)
		}
		for _, name := range strings.Split(got, "/") {
			if len(name) > maxName || name == "." || name == ".." {
				t.Fatalf("Clean(%q) has %q", s, name)
			}
		}
		if again, err := Clean(got); again != got || err != nil {
			t.Fatalf("Clean(%q) = %q, %v", got, again, err)
		}
		Temporary(got)
		Junk(got)
	})
}

func FuzzNumbered(f *testing.F) {
	f.Add("DSC_0001.JPG", 1)
	f.Add(strings.Repeat("é", 200)+".tar.gz", 1<<62)
	f.Fuzz(func(t *testing.T, name string, n int) {
		clean, err := Clean(name)
		if err != nil || n < 1 {
			return
		}
		name = path.Base(clean)
		if name == "/" {
			return
		}
		got := Numbered(name, n)
		if again, err := Clean(got); err != nil || again != "/"+got {
			t.Fatalf("Numbered(%q, %d) = %q: %v", name, n, got, err)
		}
		if got == name || len(name) < 200 && Numbered(name, n) == Numbered(name, n+1) && n+1 > 0 {
			t.Fatalf("Numbered(%q, %d) = %q", name, n, got)
		}
	})
}

func BenchmarkNames(b *testing.B) {
	const name = "/holiday/2024/Škoda/DSC_0001.JPG"
	b.ReportAllocs()
	for b.Loop() {
		if Temporary(name) || Junk(name) {
			b.Fatal(name)
		}
	}
}
