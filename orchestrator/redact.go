package orchestrator

import (
	"bytes"
	"regexp"
)

// secrets are the shapes of credentials that must never reach the log: keys of model providers, Slack, GitHub, AWS
// and Google, bearer tokens and private keys.
var secrets = regexp.MustCompile(`\b(?:` +
	`sk-[A-Za-z0-9_-]{20,}` +
	`|xox[abeprs]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{10,}` +
	`|gh[opsur]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,}` +
	`|AKIA[0-9A-Z]{16}` +
	`|AIza[0-9A-Za-z_-]{35}` +
	`)|(?i:bearer )[A-Za-z0-9._~+/-]{16,}=*|-----BEGIN [A-Z ]*PRIVATE KEY-----(?:[^-]|-[^-])*-----END [A-Z ]*PRIVATE KEY-----`)

// hints are texts of which one stands in everything that secrets matches: looking for them first costs a fraction of
// the expression.
var hints = [][]byte{
	[]byte("sk-"), []byte("xox"), []byte("xapp-"), []byte("gho_"), []byte("ghp_"), []byte("ghs_"), []byte("ghu_"), []byte("ghr_"), []byte("github_pat_"), []byte("AKIA"), []byte("AIza"),
	[]byte("earer "), []byte("EARER "), []byte("-----BEGIN"),
}

var redacted = []byte("[redacted]")

// redact takes credentials out of a fact's JSON before it is appended. The replacement needs no escaping, so what
// comes out is valid JSON again.
func redact(data []byte) []byte {
	for _, hint := range hints {
		if bytes.Contains(data, hint) {
			return secrets.ReplaceAll(data, redacted)
		}
	}
	return data
}
