package veil

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Who tells whether a name is that of a person whose texts are veiled.
type Who func(name string) bool

// InSlack are the people in Slack: "slack:TEAM:USER".
func InSlack(name string) bool {
	team, user, ok := strings.Cut(strings.TrimPrefix(name, "slack:"), ":")
	return ok && strings.HasPrefix(name, "slack:") && team != "" && len(user) > 1 && (user[0] == 'U' || user[0] == 'W') && !strings.Contains(user, ":")
}

// Everyone are all who ask or judge, wherever they do.
func Everyone(name string) bool { return name != "" }

// mark begins what stands for a person's name, and seal what stands for a text. actor begins the name of a person who acts.
const (
	mark  = "person:"
	seal  = "veiled:"
	actor = "user:"
)

// erasedMark begins the name of somebody who was erased: two of them stay two.
const erasedMark = "erased:"

// erasedName is what is read of a person's name that is gone.
func erasedName(id string) string { return erasedMark + id[:min(len(id), 12)] }

// marked is the id in what stands for a name.
func marked(name string) (id string, ok bool) {
	id, ok = strings.CutPrefix(name, mark)
	return id, ok && isID(id)
}

func isID(id string) bool {
	return len(id) == 32 && strings.Trim(id, "0123456789abcdef") == ""
}

// sound tells of a name that can be one: others are for the log to refuse, or are nobody's any more.
func sound(name string) bool {
	return name != "" && !strings.HasPrefix(name, erasedMark) && utf8.ValidString(name) && strings.IndexFunc(name, unicode.IsControl) < 0
}

// acting takes the "user:" from the name of somebody who acts.
func acting(name string) (prefix, person string) {
	if person, ok := strings.CutPrefix(name, actor); ok {
		return actor, person
	}
	return "", name
}
