package events

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// Nanos is an amount of money in integer nano-dollars (1e-9 USD), so that sums are exact and the same everywhere.
type Nanos int64

// Add adds amounts that are not negative: of money, or of anything that is counted. The greatest one stands for all beyond
// it, so that no sum wraps around, and the order in which hostile figures are added up doesn't show.
func Add[T ~int64](a, b T) T {
	if b > math.MaxInt64-a {
		return math.MaxInt64
	}
	return a + b
}

// ErrInexact tells that an amount has more decimals than a nano-dollar can hold.
var ErrInexact = errors.New("more than nine decimals: the smallest amount kept is 0.000000001 USD")

// ErrRange tells that an amount is beyond what int64 nano-dollars hold (about 9.2 billion USD).
var ErrRange = errors.New("amount out of range")

// String is the exact decimal in dollars without trailing zeros: "0.0125", "3", "-0.5".
func (n Nanos) String() string {
	sign, u := "", uint64(n)
	if n < 0 {
		sign, u = "-", -u
	}
	whole, frac := u/1e9, u%1e9
	if frac == 0 {
		return sign + strconv.FormatUint(whole, 10)
	}
	return sign + strconv.FormatUint(whole, 10) + "." + strings.TrimRight(fmt.Sprintf("%09d", frac), "0")
}

// ParseUSD reads a decimal text in dollars ("0.0125", "1.2e-5") exactly. It returns ErrInexact for an amount finer
// than a nano-dollar, and ErrRange for one too large.
func ParseUSD(s string) (Nanos, error) {
	r, err := parseDecimal(s)
	if err != nil {
		return 0, err
	}
	r.Mul(r, big.NewRat(1e9, 1))
	if !r.IsInt() {
		return 0, fmt.Errorf("%q: %w", s, ErrInexact)
	}
	return toNanos(s, r)
}

// ParseUSDFloat reads an amount that was a binary floating point number at its source, such as a cost summed in
// Python, and rounds it half to even to the nano-dollar.
func ParseUSDFloat(s string) (Nanos, error) {
	r, err := parseDecimal(s)
	if err != nil {
		return 0, err
	}
	return RoundUSD(r)
}

// RoundUSD rounds dollars half to even to the nano-dollar.
func RoundUSD(dollars *big.Rat) (Nanos, error) {
	r := new(big.Rat).Mul(dollars, big.NewRat(1e9, 1))
	q, m := new(big.Int).QuoRem(r.Num(), r.Denom(), new(big.Int))
	switch twice := m.Lsh(m, 1); twice.CmpAbs(r.Denom()) {
	case 1:
		q.Add(q, big.NewInt(int64(r.Sign())))
	case 0:
		if q.Bit(0) == 1 {
			q.Add(q, big.NewInt(int64(r.Sign())))
		}
	}
	return toNanos(dollars.RatString(), new(big.Rat).SetInt(q))
}

func toNanos(s string, r *big.Rat) (Nanos, error) {
	if !r.Num().IsInt64() {
		return 0, fmt.Errorf("%q: %w", s, ErrRange)
	}
	return Nanos(r.Num().Int64()), nil
}

// parseDecimal refuses what big.Rat would accept beyond JSON's numbers (fractions, hex, underscores), and exponents
// so large that the exact value would fill the memory.
func parseDecimal(s string) (*big.Rat, error) {
	if s == "" || len(s) > 400 || strings.ContainsAny(s, "/_xXpPbBoO") {
		return nil, fmt.Errorf("%.60q is not a decimal amount", s)
	}
	f, err := strconv.ParseFloat(s, 64)
	switch {
	case errors.Is(err, strconv.ErrRange) || math.Abs(f) > 1e10:
		return nil, fmt.Errorf("%.60q: %w", s, ErrRange)
	case err != nil || math.IsNaN(f):
		return nil, fmt.Errorf("%.60q is not a decimal amount", s)
	}
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		if exp, err := strconv.Atoi(s[i+1:]); err != nil || exp < -400 || exp > 400 {
			return nil, fmt.Errorf("%.60q: %w", s, ErrRange)
		}
	}
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return nil, fmt.Errorf("%.60q is not a decimal amount", s)
	}
	return r, nil
}
