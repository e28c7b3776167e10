//go:build race

package edis_test

func init() { underRaceDetector = true }
