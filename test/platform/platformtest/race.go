//go:build race

package platformtest

// raceDetector says that this test binary was built with `go test -race`.
const raceDetector = true
