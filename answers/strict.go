package answers

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ReadStrict reads what a model says: one JSON value of the shape that was asked for, with no member beside it and nothing behind it. Whatever
// is asked of models for the program itself is read by it.
func ReadStrict(said string, into any) error {
	d := json.NewDecoder(strings.NewReader(said))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("it is not the JSON that was asked for: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more behind the JSON that was asked for")
	}
	return nil
}
