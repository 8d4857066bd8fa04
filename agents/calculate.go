package agents

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math/big"
	"strconv"
	"strings"
)

const (
	// maxExpression bounds an expression in bytes, maxDigits a number on the way, and maxExponent a literal: together
	// they bound the time and memory of any calculation.
	maxExpression = 1000
	maxDigits     = 1000
	maxExponent   = 300
	// decimals is how many a result shows that no finite decimal can hold.
	decimals = 17
)

// calculate does exact arithmetic, which models are bad at.
func calculate() Tool {
	return Tool{
		Name: "calculate",
		Description: "Calculates an arithmetic expression of decimal numbers exactly, with + - * / % and parentheses, " +
			"for example (17.5 + 3) * 12 / 7.",
		Schema: json.RawMessage(`{"type":"object","properties":{"expression":{"type":"string"}},` +
			`"required":["expression"],"additionalProperties":false}`),
		Repeatable: true,
		Call: func(_ context.Context, c Call) (string, error) {
			var in struct {
				Expression *string `json:"expression"`
			}
			if err := json.Unmarshal(c.Arguments, &in); err != nil || in.Expression == nil {
				return "", errors.New(`calculate takes {"expression": "1 + 2"}`)
			}
			return Calculate(*in.Expression)
		},
	}
}

// Calculate evaluates an expression of decimal numbers, + - * / % and parentheses, in exact arithmetic. A result that
// no finite decimal holds is rounded to 17 significant digits and starts with "≈ ".
func Calculate(expression string) (string, error) {
	if len(expression) > maxExpression {
		return "", fmt.Errorf("the expression is longer than %d characters", maxExpression)
	}
	// The fields are joined, since a line break would end a Go expression.
	tree, err := parser.ParseExpr(strings.Join(strings.Fields(expression), " "))
	if err != nil {
		return "", fmt.Errorf("%q is not an arithmetic expression", expression)
	}
	value, err := evaluate(tree)
	if err != nil {
		return "", err
	}
	return decimal(value), nil
}

func evaluate(tree ast.Expr) (*big.Rat, error) {
	switch e := tree.(type) {
	case *ast.ParenExpr:
		return evaluate(e.X)
	case *ast.BasicLit:
		return literal(e)
	case *ast.UnaryExpr:
		x, err := evaluate(e.X)
		switch {
		case err != nil:
			return nil, err
		case e.Op == token.ADD:
			return x, nil
		case e.Op == token.SUB:
			return x.Neg(x), nil
		}
		return nil, fmt.Errorf("%s is not supported: use + - * / %% and parentheses", e.Op)
	case *ast.BinaryExpr:
		x, err := evaluate(e.X)
		if err != nil {
			return nil, err
		}
		y, err := evaluate(e.Y)
		if err != nil {
			return nil, err
		}
		if x, err = apply(e.Op, x, y); err != nil {
			return nil, err
		}
		// Bounded as it grows: a few operations more, and one of them would take seconds.
		if most := maxDigits * 10 / 3; x.Num().BitLen() > most || x.Denom().BitLen() > most {
			return nil, fmt.Errorf("the numbers get longer than %d digits", maxDigits)
		}
		return x, nil
	}
	return nil, errors.New("only numbers, + - * / % and parentheses are supported")
}

func literal(e *ast.BasicLit) (*big.Rat, error) {
	text := strings.ReplaceAll(e.Value, "_", "")
	if e.Kind != token.INT && e.Kind != token.FLOAT || strings.Trim(text, "0123456789.eE+-") != "" {
		return nil, fmt.Errorf("%s is not a decimal number", e.Value)
	}
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		if exp, err := strconv.Atoi(text[i+1:]); err != nil || exp < -maxExponent || exp > maxExponent {
			return nil, fmt.Errorf("%s: exponents go from -%d to %d", e.Value, maxExponent, maxExponent)
		}
	}
	x, ok := new(big.Rat).SetString(text)
	if !ok {
		return nil, fmt.Errorf("%s is not a decimal number", e.Value)
	}
	return x, nil
}

func apply(op token.Token, x, y *big.Rat) (*big.Rat, error) {
	switch op {
	case token.ADD:
		return x.Add(x, y), nil
	case token.SUB:
		return x.Sub(x, y), nil
	case token.MUL:
		return x.Mul(x, y), nil
	case token.QUO:
		if y.Sign() == 0 {
			return nil, errors.New("division by zero")
		}
		return x.Quo(x, y), nil
	case token.REM:
		switch {
		case !x.IsInt() || !y.IsInt():
			return nil, errors.New("% takes whole numbers")
		case y.Sign() == 0:
			return nil, errors.New("division by zero")
		}
		return new(big.Rat).SetInt(new(big.Int).Rem(x.Num(), y.Num())), nil
	}
	return nil, fmt.Errorf("%s is not supported: use + - * / %% and parentheses", op)
}

// decimal writes a number in full where a decimal of reasonable length holds it exactly.
func decimal(x *big.Rat) string {
	if places, finite := x.FloatPrec(); finite && places <= 40 {
		return x.FloatString(places)
	}
	return "≈ " + new(big.Float).SetPrec(200).SetRat(x).Text('g', decimals)
}
