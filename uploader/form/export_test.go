package form

// Lingering is lingering, for tests that dial by themselves.
func Lingering(dial dialFunc) dialFunc { return lingering(dial) }
