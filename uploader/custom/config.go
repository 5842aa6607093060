package custom

import (
	"time"

	"slipway/uploader"
)

// Config is one [destination.NAME] with driver = "custom". What a ShareX file says is
// the base, and keys that are set go before it.
type Config struct {
	// File is the content of a ShareX custom uploader (.sxcu), and FileName how errors
	// call it; nil: none.
	File     []byte
	FileName string

	Method     string // POST, PUT or PATCH; "": POST
	URL        string // a template whose host is written out
	Parameters map[string]string
	Headers    map[string]string
	Body       string // multipart (""), binary, json, xml or form
	FileField  string // the name of the file's part
	Arguments  map[string]string
	Data       string
	// Success are the statuses that say that the host has the picture; none: all 2xx.
	// Existing are those that say that it had it before.
	Success, Existing []int
	Result            Result

	// Secrets are what {secret:NAME} stands for.
	Secrets map[string]uploader.Secret
	// Types are the media types that the host takes; none: all.
	Types []string
	// RefusesRepeats, Idempotent and KeepsBytes are as in uploader.Properties.
	RefusesRepeats         time.Duration
	Idempotent, KeepsBytes bool

	// DeleteMethod is GET (""), DELETE, POST or none; DeleteHeaders go to url's own
	// host alone, and DeleteHosts are the others that may be asked.
	DeleteMethod  string
	DeleteHeaders map[string]string
	DeleteHosts   []string

	// Says tells refusals apart by what the host says.
	Says Says

	// Sign is "aws-v4" or "". The secrets access_key and secret_key, and session_token
	// where there is one, are what is signed with.
	Sign, Region, Service string

	// Timeout is how long a request may take beside the time that its size needs;
	// 0: form.DefaultBase.
	Timeout time.Duration
}

// Result are templates over the host's reply.
type Result struct {
	URL       string // "": the whole reply
	Viewer    string
	Thumbnail string
	Deletion  string
	ID        string
	// Error is what the host says where it refuses.
	Error string
	// OK, where it is set, must come to something that is not "", false, 0, no, null or
	// an error's name.
	OK string
	// Identical comes to a checksum of what the host has.
	Identical string
}
