package ingest

import (
	"errors"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/virtuous6/virtuous6/events"
)

// noise is how far, relative to itself, a double may lie from the amount that was meant.
var noise = big.NewRat(1, 1e15)

// exactUSD reads dollars, as decimal text or as a JSON number, exactly. A number may differ from whole nano-dollars by
// the noise of double precision (0.1 + 0.2), and is then the amount that was meant; anything finer is refused, since
// it could only be kept rounded.
func exactUSD(key string, v value) (events.Nanos, *flaw) {
	k := v.kind()
	if k != text && k != number {
		return 0, flawed(key, "is %s; an amount is decimal text or a number", k)
	}
	s := v.scalar()
	if numberLength(s) != len(s) || s == "" {
		return 0, flawed(key, "%q is not a decimal amount", clip(s))
	}
	if n, ok := plainUSD(s); ok {
		return n, nil
	}
	n, err := events.ParseUSD(s)
	if errors.Is(err, events.ErrInexact) && k == number {
		if near, nearErr := events.ParseUSDFloat(s); nearErr == nil && isNoise(s, near) {
			n, err = near, nil
		}
	}
	return n, amountFlaw(key, n, err)
}

// plainUSD reads the amounts that nearly all are, such as "0.0125", without big numbers: at most nine decimals, and
// small enough for 64 bits.
func plainUSD(s string) (events.Nanos, bool) {
	var n int64
	decimals, point := 0, false
	if len(s) > 18 {
		return 0, false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c == '.' && !point:
			point = true
		case c < '0' || c > '9':
			return 0, false
		default:
			n = n*10 + int64(c-'0')
			if point {
				decimals++
			}
		}
	}
	if decimals > 9 || len(s)-decimals > 9 {
		return 0, false
	}
	for range 9 - decimals {
		n *= 10
	}
	return events.Nanos(n), true
}

// isNoise tells whether s is n but for what double precision adds.
func isNoise(s string, n events.Nanos) bool {
	exact, ok := new(big.Rat).SetString(s)
	if !ok {
		return false
	}
	off := new(big.Rat).Sub(exact, big.NewRat(int64(n), 1e9))
	bound := new(big.Rat).Mul(exact, noise)
	return off.Abs(off).Cmp(bound.Abs(bound)) <= 0
}

// roundUSD reads dollars that were binary floating point at their source, and rounds half to even to the nano-dollar.
func roundUSD(key, s string) (events.Nanos, *flaw) {
	n, err := events.ParseUSDFloat(s)
	return n, amountFlaw(key, n, err)
}

func amountFlaw(key string, n events.Nanos, err error) *flaw {
	switch {
	case err != nil:
		return flawed(key, "%s", err)
	case n < 0:
		return flawed(key, "the cost %s is negative", n)
	}
	return nil
}

// plainNumber writes a number as JSON has it. decimal is the sign before its decimals, where a person named it, and the
// other one parts thousands. Without, a number that could be meant in two ways is refused.
func plainNumber(key, s string, decimal rune) (string, *flaw) {
	s = strings.TrimSpace(s)
	thousands := ","
	if decimal == ',' {
		thousands = "."
	}
	whole, decimals, _ := strings.Cut(s, string(pointOf(decimal)))
	switch {
	case decimal == 0 && strings.Contains(s, ","):
		return "", flawed(key, "%q may be meant with decimals or with thousands: name the sign before the decimals, by --decimal , or --decimal .", clip(s))
	case decimal == 0 && len(decimals) == 3 && strings.Trim(whole, "+-0") != "" && len(strings.TrimLeft(whole, "+-")) <= 3 && strings.Trim(decimals, "0123456789") == "":
		return "", flawed(key, "%q may be meant as a fraction or as thousands: name the sign before the decimals, by --decimal , or --decimal .", clip(s))
	case decimal == 0 || !strings.Contains(s, thousands) && decimal == '.':
		return s, nil
	}
	groups := strings.Split(whole, thousands)
	for i, g := range groups {
		if i > 0 && len(g) != 3 || i == 0 && len(groups) > 1 && (len(strings.TrimLeft(g, "+-")) > 3 || g == "") {
			return "", flawed(key, "%q is no number with the decimals behind %q", clip(s), string(decimal))
		}
	}
	if strings.Contains(s, string(pointOf(decimal))) {
		return strings.Join(groups, "") + "." + decimals, nil
	}
	return strings.Join(groups, ""), nil
}

func pointOf(decimal rune) rune {
	if decimal == 0 {
		return '.'
	}
	return decimal
}

// count reads a number of tokens: a whole number from 0 to 2^53.
func count(key, s string) (int64, *flaw) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		// 12.0 and 1.2e3 are whole numbers, too. A double is exact up to the bound.
		f, floatErr := strconv.ParseFloat(s, 64)
		if floatErr != nil || numberLength(s) != len(s) {
			return 0, flawed(key, "%q is not a number of tokens from 0 to 2^53", clip(s))
		}
		if f != math.Trunc(f) {
			return 0, flawed(key, "%q is not a whole number", clip(s))
		}
		if math.Abs(f) > maxCount {
			n = math.MaxInt64
		} else {
			n = int64(f)
		}
	}
	switch {
	case n < 0:
		return 0, flawed(key, "%s is negative", clip(s))
	case n > maxCount:
		return 0, flawed(key, "%s is beyond 2^53", clip(s))
	}
	return n, nil
}

// real reads a finite number.
func real(key, s string) (*float64, *flaw) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) || numberLength(s) != len(s) {
		return nil, flawed(key, "%q is not a number that can be kept", clip(s))
	}
	return &f, nil
}
