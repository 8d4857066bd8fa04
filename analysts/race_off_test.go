//go:build !race

package analysts_test

const underRace = false
