//go:build race

package programtest

// RaceFlag builds the program with the race detector where the test was.
const RaceFlag = "-race"
