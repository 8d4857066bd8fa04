package events_test

import (
	"errors"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/events"
)

func TestASumNeverWraps(t *testing.T) {
	t.Parallel()
	const most = events.Nanos(math.MaxInt64)
	for _, c := range []struct{ a, b, want events.Nanos }{{0, 0, 0}, {1, 2, 3}, {most, 0, most}, {0, most, most}, {most - 1, 1, most}, {most, 1, most}, {most, most, most}} {
		if got := events.Add(c.a, c.b); got != c.want {
			t.Errorf("%d and %d are %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestParseUSD(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]events.Nanos{
		"0": 0, "1": 1_000_000_000, "0.000000001": 1, "1.2e-5": 12_000, "-0.5": -500_000_000, "8.13e-05": 81_300,
		"9223372036.854775807": 9_223_372_036_854_775_807, "1E2": 100_000_000_000,
	} {
		if got, err := events.ParseUSD(text); err != nil || got != want {
			t.Errorf("ParseUSD(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for text, want := range map[string]error{
		"0.0000000001": events.ErrInexact, "1e400": events.ErrRange, "9223372036.854775808": events.ErrRange,
		"1e-500": events.ErrRange, "": nil, "NaN": nil, "Inf": nil, "1/3": nil, "0x10": nil, "1_000": nil, "12 ": nil,
	} {
		got, err := events.ParseUSD(text)
		if err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("ParseUSD(%q) = %d, %v; want an error %v", text, got, err, want)
		}
	}
}

func TestParseUSDFloatRoundsHalfToEven(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]events.Nanos{
		"0.000927499999": 927_500, "0.0000000005": 0, "0.0000000015": 2, "0.0000000025": 2, "-0.0000000015": -2, "-0.0000000006": -1,
		"8.130000000000001e-05": 81_300,
	} {
		if got, err := events.ParseUSDFloat(text); err != nil || got != want {
			t.Errorf("ParseUSDFloat(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
}

func TestMoneySurvivesItsText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := events.Nanos(rapid.Int64().Draw(t, "nanos"))
		got, err := events.ParseUSD(n.String())
		if err != nil || got != n {
			t.Fatalf("%d -> %q -> %d, %v", n, n, got, err)
		}
		exact, _ := new(big.Rat).SetString(n.String())
		if exact.Cmp(big.NewRat(int64(n), 1e9)) != 0 {
			t.Fatalf("%q is not %d nano-dollars", n, n)
		}
	})
}
