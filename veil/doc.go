// Package veil keeps what a person said out of the log in the clear. Between the log and all that reads and appends it, texts
// are encrypted with a key of the person whose they are, and names are replaced by an id. Where the key is destroyed they read as
// "[erased]": deciders, projections and analysts see plain text or that, and nothing of how.
//
// docs/decisions/forgetting.md tells what is veiled and why it is done here.
package veil
