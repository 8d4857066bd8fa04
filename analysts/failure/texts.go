package failure

import (
	"bufio"
	"errors"
	"io"
	"strings"
)

// longestText is how much of an error's text is looked at, in bytes.
const longestText = 1 << 16

// ReadTexts reads error texts, one a line, and tells their fingerprints in the same order. Of a line that is too long its beginning
// counts, and bytes that are no text count as one sign.
func ReadTexts(r io.Reader) ([]Fingerprint, error) {
	var fingerprints Fingerprints
	var texts []string
	lines := bufio.NewReaderSize(r, longestText)
	for {
		line, err := lines.ReadSlice('\n')
		text := strings.TrimRight(strings.ToValidUTF8(string(line), "\ufffd"), "\r\n")
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = lines.ReadSlice('\n')
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return make([]Fingerprint, len(texts)), err
		}
		if err == nil || len(line) > 0 {
			texts = append(texts, text)
			fingerprints.Of("", text)
		}
		if err != nil {
			break
		}
	}
	fingerprints.Settle()
	found := make([]Fingerprint, len(texts))
	for i, text := range texts {
		found[i] = fingerprints.Of("", text)
	}
	return found, nil
}
