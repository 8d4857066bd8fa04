package mcptool

import (
	"fmt"
	"strings"
	"sync"
)

// lastWords keeps the end of what a program wrote to its standard error: why it did not start.
type lastWords struct {
	mu   sync.Mutex
	text []byte
}

const maxLastWords = 2 << 10

// Write implements io.Writer.
func (l *lastWords) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	l.text = l.text[max(0, len(l.text)-maxLastWords):]
	return len(p), nil
}

// add puts the last lines behind an error.
func (l *lastWords) add(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := strings.FieldsFunc(strings.ToValidUTF8(string(l.text), "\uFFFD"), func(r rune) bool { return r == '\n' || r == '\r' })
	if len(lines) == 0 {
		return err
	}
	return fmt.Errorf("%w; its last words: %s", err, strings.Join(lines[max(0, len(lines)-4):], " / "))
}
