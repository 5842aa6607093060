package ledger

// Statements whose cost matters.
const (
	Candidates = candidates
	NextParked = nextParked
)
