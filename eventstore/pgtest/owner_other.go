//go:build !unix

package pgtest

import (
	"fmt"
	"os/exec"
)

func unprivileged(string) (func(*exec.Cmd), error) {
	return nil, fmt.Errorf("%w: throw-away servers need a Unix system", ErrMissing)
}
