package browsertest

import "net/http"

// Download has the browser save what it is sent as a file into dir, as a person would
// who clicks on a link; see Go.
func (b *Browser) Download(dir string) {
	b.t.Helper()
	b.call(http.MethodPost, "/chromium/send_command", map[string]any{
		"cmd": "Browser.setDownloadBehavior", "params": map[string]any{"behavior": "allow", "downloadPath": dir},
	}, nil)
}
