package main

import (
	"fmt"
	"io"
	"sync"
	"unicode/utf8"
)

// screen is the one writer behind standard output and standard error. What others wrote (models, tools, histories, file
// names) must not move a person's terminal or turn its letters around, wherever a verb prints it: such characters are
// written as escapes, which in JSON mean the same characters.
type screen struct {
	to io.Writer
	// one is held by who writes: a server's log and its answers may go to the same place.
	one *sync.Mutex
	// cut are the first bytes of a character whose others come with the next write.
	cut []byte
}

// Write implements io.Writer.
func (s *screen) Write(p []byte) (int, error) {
	s.one.Lock()
	defer s.one.Unlock()
	text := p
	if len(s.cut) > 0 {
		text = append(s.cut, p...)
		s.cut = nil
	}
	if plain(text) {
		_, err := s.to.Write(text)
		return len(p), err
	}
	safe := make([]byte, 0, len(text)+32)
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case r == utf8.RuneError && size == 1 && !utf8.FullRune(text):
			s.cut = append(s.cut, text...)
			size = len(text)
		case r == '\r': // line ends of other systems
		case r == '\n', r == '\t', !moves(r):
			safe = utf8.AppendRune(safe, r)
		default:
			safe = fmt.Appendf(safe, `\u%04x`, r)
		}
		text = text[size:]
	}
	_, err := s.to.Write(safe)
	return len(p), err
}

// plain tells of a text that needs no second look: most do not.
func plain(text []byte) bool {
	for _, b := range text {
		if b >= 0x7f || b < ' ' && b != '\n' && b != '\t' {
			return false
		}
	}
	return true
}

// moves tells of the characters that do something to a terminal instead of standing in it: the control characters of
// ASCII and of ISO 6429 (C0, DEL, C1), and those that turn the direction of what follows.
func moves(r rune) bool {
	return r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}
