package answers_test

import (
	"testing"

	"github.com/virtuous6/virtuous6/answers"
)

func TestWhatAModelSaysIsReadStrictly(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		`{"lines":["a"]}`: "", ` {"lines":["a"]} ` + "\n": "",
		`{"lines":["a"],"more":1}`:        `it is not the JSON that was asked for: json: unknown field "more"`,
		`{"lines":["a"]} {"lines":["b"]}`: "there is more behind the JSON that was asked for",
		`{"lines":["a"]}}`:                "there is more behind the JSON that was asked for",
		`{"lines":["a"]} as you wished`:   "there is more behind the JSON that was asked for",
		`{"lines":"a"}`:                   "it is not the JSON that was asked for: json: cannot unmarshal string into Go struct field .lines of type []string",
		`certainly`:                       "it is not the JSON that was asked for: invalid character 'c' looking for beginning of value",
		``:                                "it is not the JSON that was asked for: EOF",
	} {
		var into struct {
			Lines []string `json:"lines"`
		}
		err := answers.ReadStrict(said, &into)
		if got := ""; err != nil && err.Error() != want || err == nil && want != got {
			t.Errorf("%q: %v, want %q", said, err, want)
		}
	}
}
