package analysts

import "testing"

func TestRegisteringTwicePanics(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("two analysts of one name were taken")
		}
	}()
	register(Runner{Name: "a"}, Runner{Name: "b"}, Runner{Name: "a"})
}
