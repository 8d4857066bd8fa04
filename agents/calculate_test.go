package agents_test

import (
	"fmt"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/virtuous6/virtuous6/agents"
)

func TestCalculate(t *testing.T) {
	t.Parallel()
	for given, then := range map[string]string{
		"1 + 2 * 3":                          "7",
		"(17.5 + 3) * 12 / 8":                "30.75",
		"0.1 + 0.2":                          "0.3",
		"-(2 - 5) % 2":                       "1",
		"1/3":                                "≈ 0.33333333333333333",
		"2/3 * 3":                            "2",
		"1e-20 * 1e20":                       "1",
		"010 + 1":                            "11",
		"1_000 * 2":                          "2000",
		"1\n+\n2":                            "3",
		"1e300 * 1e300":                      "1" + strings.Repeat("0", 600),
		"1e-300 / 1e300":                     "≈ 1e-600",
		"1 / 0":                              "error: division by zero",
		"5 % (3 - 3)":                        "error: division by zero",
		"1.5 % 2":                            "error: % takes whole numbers",
		"2 ** 3":                             "error: only numbers",
		"1 << 30":                            "error: << is not supported",
		"2 ^ 3":                              "error: ^ is not supported",
		"!1":                                 "error: ! is not supported",
		"1e999999999":                        "error: 1e999999999: exponents",
		"1e-301":                             "error: 1e-301: exponents",
		"0x10":                               "error: 0x10 is not a decimal",
		"3i":                                 "error: 3i is not a decimal",
		`"a" + "b"`:                          `error: "a" is not a decimal`,
		"f(1)":                               "error: only numbers",
		"x":                                  "error: only numbers",
		"":                                   "error: \"\" is not an arithmetic",
		"1 +":                                "error: \"1 +\" is not an arithmetic",
		strings.Repeat("1", 1001):            "error: the expression is longer",
		strings.Repeat("1e-300*", 100) + "1": "error: the numbers get longer than 1000 digits",
		strings.Repeat("1e300*", 100) + "1":  "error: the numbers get longer than 1000 digits",
		strings.Repeat("(", 499) + "7" + strings.Repeat(")", 499): "7",
	} {
		result, err := agents.Calculate(given)
		if err != nil {
			result = "error: " + err.Error()
		}
		if result != then && !(strings.HasPrefix(then, "error: ") && strings.HasPrefix(result, then)) {
			t.Errorf("%s gives %s, want %s", given, result, then)
		}
	}
}

func TestCalculateIsExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		hundredths := rapid.Int64Range(-1_000_000, 1_000_000)
		a, b, c := hundredths.Draw(t, "a"), hundredths.Draw(t, "b"), hundredths.Draw(t, "c")
		text := func(n int64) string { return "(" + big.NewRat(n, 100).FloatString(2) + ")" }
		result, err := agents.Calculate(fmt.Sprintf("%s*%s-%s", text(a), text(b), text(c)))
		if err != nil {
			t.Fatal(err)
		}
		got, ok := new(big.Rat).SetString(result)
		if want := big.NewRat(a*b-c*100, 10_000); !ok || got.Cmp(want) != 0 {
			t.Fatalf("%s, want %s", result, want)
		}
	})
}

func FuzzCalculate(f *testing.F) {
	for _, s := range []string{"1 + 2 * 3", "(1.5e3 - 2) / 7 % 2", "-(-1)", "1e300*1e300", "f(x)", "'a'", "0b1", "1/(1/3)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if result, err := agents.Calculate(s); err == nil && (result == "" || len(result) > 2000) {
			t.Errorf("%q gives %d bytes", s, len(result))
		}
	})
}
