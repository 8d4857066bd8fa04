//go:build race

package main

// raced tells that the tests, and the program with them, run under the race detector.
const raced = true
