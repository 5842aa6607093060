//go:build race

package programtest

// raceFlag builds the program as the test was built.
const raceFlag = "-race"
