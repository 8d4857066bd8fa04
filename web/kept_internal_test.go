package web

import (
	"fmt"
	"testing"

	"github.com/virtuous6/virtuous6/readmodel"
)

func TestWhatIsKeptHasABound(t *testing.T) {
	t.Parallel()
	var k kept
	at := readmodel.Checkpoint{Position: 1}
	for i := range 3 {
		question := fmt.Sprint(i)
		a, mine := k.find(at, question)
		if !mine {
			t.Fatalf("%s was asked before", question)
		}
		a.body = make([]byte, maxKept/2-1)
		k.made(question, a)
	}
	for question, kept := range map[string]bool{"0": true, "1": true, "2": false} {
		if _, mine := k.find(at, question); mine == kept {
			t.Errorf("%s: kept is %v, want %v", question, !mine, kept)
		}
	}
	// An answer that comes late counts for nothing.
	late, _ := k.find(at, "late")
	k.find(readmodel.Checkpoint{Position: 2}, "new")
	late.body = make([]byte, 10)
	if k.made("late", late); k.bytes != 0 {
		t.Errorf("%d bytes are counted", k.bytes)
	}
}
