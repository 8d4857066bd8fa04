//go:build race

package esdb

const racing = true
