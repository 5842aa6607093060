package watch

import (
	"path"
	"strings"
)

// parent returns the directory of a path below the folder, "" for the folder itself.
func parent(rel string) string {
	if i := strings.LastIndexByte(rel, '/'); i >= 0 {
		return rel[:i]
	}
	return ""
}

// under returns the path of name in dir.
func under(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}

// within reports whether rel is dir or lies below it.
func within(rel, dir string) bool {
	return dir == "" || rel == dir || strings.HasPrefix(rel, dir) && rel[len(dir)] == '/'
}

// onDisk returns rel as os.Root wants it.
func onDisk(rel string) string {
	if rel == "" {
		return "."
	}
	return rel
}

// virtual returns the path that the file at rel has in the virtual filesystem.
func (f *Folder) virtual(rel string) string { return path.Join("/", f.o.Into, rel) }

// ignored returns why nothing at rel is taken: itself, or a directory that it lies in,
// is ignored.
func (f *Folder) ignored(rel string, dir bool) string {
	for i := range len(rel) {
		if rel[i] == '/' {
			if why := f.o.Ignore(rel[:i], true); why != "" {
				return why
			}
		}
	}
	if rel == "" {
		return ""
	}
	return f.o.Ignore(rel, dir)
}
