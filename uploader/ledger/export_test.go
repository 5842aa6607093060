package ledger

// Candidates is the statement that finds due rows.
const Candidates = candidates
