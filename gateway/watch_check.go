package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"slipway/gateway/cli"
)

// look says how a watched folder stands on this machine. That it is not there is no
// mistake: it may be a mount that comes later.
func (w WatchConfig) look() cli.CheckLine {
	line := cli.CheckLine{Subject: "watch " + w.Folder, OK: true, Text: "goes to " + w.Into}
	info, err := os.Stat(w.Folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		line.Notes = append(line.Notes, "the folder is not there now; it is watched as soon as it is")
		return line
	case err == nil && !info.IsDir():
		line.OK, line.Text, line.Remedy = false, "it is a file", "Name the folder that files are put into."
		return line
	case err == nil:
		_, err = os.ReadDir(w.Folder)
	}
	if err != nil {
		line.Notes = append(line.Notes, fmt.Sprintf("the folder cannot be read now (%v); let the user that the gateway runs as read it", plainly(err)))
		return line
	}
	for _, dir := range w.writes() {
		if err := tryWrite(dir.path); err != nil {
			line.OK, line.Text = false, fmt.Sprintf("%s cannot be written to (%v), and %s", dir.path, plainly(err), dir.why)
			line.Remedy = dir.remedy
		}
	}
	return line
}

// plainly returns err without the operation and the path that everybody knows.
func plainly(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}

// writing is a folder that has to be written to, why, and what else can be done.
type writing struct{ path, why, remedy string }

func (w WatchConfig) writes() (all []writing) {
	if w.SidecarDir == "" && len(w.Sidecars) > 0 {
		all = append(all, writing{w.Folder, "sidecars are to be written there", "Let this user write there, or set sidecars = [] or a sidecar_dir."})
	}
	if w.SidecarDir != "" && len(w.Sidecars) > 0 {
		all = append(all, writing{w.SidecarDir, "sidecars are to be written there", "Let this user write there, or choose another sidecar_dir."})
	}
	if w.After != afterKeep {
		all = append(all, writing{w.Folder, fmt.Sprintf("after = %q takes files away from there", w.After), `Let this user write there, or set after = "keep".`})
	}
	return all
}
