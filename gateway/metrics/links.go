package metrics

// What came of a link to a picture that was taken in hand.
const (
	LinkFetched = "fetched"
	LinkKnown   = "known"   // its picture was there already
	LinkSkipped = "skipped" // it leads to a picture of ours
	LinkAgain   = Again
	LinkFailed  = Failed // for good
)

// Linked counts a link that was taken in hand.
func (m *Metrics) Linked(result string) {
	if m != nil {
		m.links.WithLabelValues(result).Inc()
	}
}
