//go:build race

package uploader_test

// slowdown is how many times slower the tests run than without the race detector.
const slowdown = 6
