package veil_test

import (
	"testing"

	"github.com/virtuous6/virtuous6/veil"
	"github.com/virtuous6/virtuous6/veil/keystest"
)

func TestKeysInMemory(t *testing.T) {
	t.Parallel()
	keys := &veil.Memory{}
	keystest.Run(t, func(*testing.T) veil.Keys { return keys })
}
