package redact

import (
	"encoding/base64"
	"strings"
	"unicode"
)

// own are the rules that gitleaks lacks, or has for source code only, where a key stands in quotes and is a real one.
// In what people and models say, a key that only looks like one is better taken out than kept.
func own() []rule {
	prefixed := func(id, pattern string, keywords ...string) rule {
		return rule{id: id, keywords: keywords, pattern: compiled("^(?:" + pattern + ")"), anchored: true, whole: true}
	}
	// assigned is for what stands behind a name, which may be the end of a longer one.
	assigned := func(id, pattern string, keywords ...string) rule {
		r := prefixed(id, pattern, keywords...)
		r.whole = false
		return r
	}
	valid := func(r rule, valid func(string) bool) rule {
		r.valid = valid
		return r
	}
	return []rule{
		valid(prefixed("sk-key", `sk-(?:[A-Za-z0-9]+[-_])*[A-Za-z0-9]{20,}[A-Za-z0-9_-]*`, "sk-"), unworded),
		prefixed("slack-token", `xox[abeoprs](?:\.xox[bp])?-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{10,}`, "xox", "xapp-"),
		prefixed("github-token", `gh[opsur]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,}`, "gho_", "ghp_", "ghs_", "ghu_", "ghr_", "github_pat_"),
		// The secret that belongs to a key's id mostly stands behind it.
		prefixed("aws-key-id", `(?:AKIA|ASIA)[0-9A-Z]{16}(?:[\s,:;"'|]{1,4}[A-Za-z0-9/+]{40}\b)?`, "AKIA", "ASIA"),
		assigned("aws-secret", `(?i:(?:aws[_ ]?)?secret[_ ]?(?:access[_ ]?)?key["'\s]{0,4}[:=>,]{1,2}["'\s]{0,4})([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+]|$)`,
			"aws_secret", "secret_access_key", "secretaccesskey", "secret access key"),
		prefixed("google-key", `AIza[\w-]{35}|ya29\.[\w-]{20,}|GOCSPX-[\w-]{20,}`, "AIza", "ya29.", "GOCSPX-"),
		prefixed("stripe-key", `[sr]k_(?:live|test|prod)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/]{20,}=*`,
			"sk_live_", "sk_test_", "sk_prod_", "rk_live_", "rk_test_", "rk_prod_", "whsec_"),
		prefixed("provider-key", `(?:gsk_|xai-|hf_|npm_|pplx-|r8_|tvly-)[A-Za-z0-9]{20,}|glpat-[\w-]{20,}|lsv2_(?:pt|sk)_[A-Za-z0-9_]{20,}`,
			"gsk_", "xai-", "hf_", "npm_", "pplx-", "r8_", "tvly-", "glpat-", "lsv2_"),
		prefixed("virtuous6-token", `v6t_[\w-]{43}`, "v6t_"),
		prefixed("twilio-key", `SK[0-9a-fA-F]{32}\b`, "SK"),
		prefixed("jwt", `eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*(?:\.[\w-]+){0,2}`, "eyJ"),
		// Without its end, all that may belong to it.
		prefixed("private-key", `(?s:-----BEGIN[ A-Z0-9_-]{0,100}PRIVATE KEY(?: BLOCK)?-----`+
			`(?:.*?-----END[ A-Z0-9_-]{0,100}PRIVATE KEY(?: BLOCK)?-----|[A-Za-z0-9+/=\s:,\\-]*))`, "-----BEGIN"),
		assigned("url-password", `://[^\s/:@"'<>\\]{0,256}:([^\s/"'<>\\]{1,256})@`, "://"),
		valid(prefixed("basic-auth", `(?i:basic)\s+([A-Za-z0-9+/_-]{6,}={0,2})`, "basic"), userAndPassword),
		valid(prefixed("bearer-token", `(?i:bearer)\s+([\w.~+/-]{16,}=*)`, "bearer"), random),
		valid(assigned("authorization", `(?i:authorization|api-key|(?:auth|access|private|vault|security|gitlab|csrf)-token)["'\s]*[:=]["'\s]*(?i:token\s+|apikey\s+|key\s+)?([\w.~+/-]{16,}=*)`,
			"authorization", "api-key", "auth-token", "access-token", "private-token", "vault-token", "security-token", "gitlab-token", "csrf-token"), random),
		valid(prefixed("cookie", `(?i:cookie)["'\s]*[:=]["'\s]*(?:[\w.-]+=[\w.~+/%-]{0,15}; *)*[\w.-]+=([\w.~+/%-]{16,}=*(?:; *[\w.-]+=[\w.~+/%-]{16,}=*)*)`, "cookie"), random),
	}
}

// unworded tells that a text has a part without hyphens that is as long as a key's and no word.
func unworded(s string) bool {
	for part := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == '-' || r == '_' }) {
		if len(part) >= 20 && entropy(part) >= 3.2 {
			return true
		}
	}
	return false
}

// random tells that a text is not made of words alone.
func random(s string) bool { return strings.ContainsAny(s, "0123456789") || entropy(s) >= 4 }

// userAndPassword tells that a text is what HTTP's basic authentication encodes.
func userAndPassword(s string) bool {
	s = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(s, "="))
	plain, err := base64.RawStdEncoding.DecodeString(s)
	return err == nil && strings.Contains(string(plain), ":") &&
		strings.IndexFunc(string(plain), func(r rune) bool { return r == unicode.ReplacementChar || !unicode.IsPrint(r) }) < 0
}
