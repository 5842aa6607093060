package operate

// States are the states of an upload, in the order of its life; see package
// uploader for what each means.
var States = []string{"settling", "sending", "held", "awaiting", "done", "failed", "ambiguous", "superseded", "dropped"}
