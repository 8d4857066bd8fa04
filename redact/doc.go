// Package redact keeps credentials out of the log. Texts have them replaced by "[redacted]"; names are never rewritten,
// since they are what facts are found and joined by: a name that looks like a credential is refused.
//
// docs/decisions/redaction.md tells what counts as a credential and why.
package redact
