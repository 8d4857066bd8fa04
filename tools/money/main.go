// Command money holds that amounts of money are added by events.Add, which never wraps around, and by nothing else.
package main

import (
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/singlechecker"
)

func main() {
	singlechecker.Main(&analysis.Analyzer{Name: "money", Doc: "amounts of money are added by events.Add", Run: run})
}

// amounts are the types that hold money.
var amounts = map[string]bool{
	"github.com/virtuous6/virtuous6/events.Nanos": true, "github.com/virtuous6/virtuous6/projections.USD": true,
}

func run(pass *analysis.Pass) (any, error) {
	check := func(at token.Pos, sum ast.Expr) {
		value := pass.TypesInfo.Types[sum]
		named, ok := types.Unalias(value.Type).(*types.Named)
		if ok && value.Value == nil && named.Obj().Pkg() != nil && amounts[named.Obj().Pkg().Path()+"."+named.Obj().Name()] {
			pass.Reportf(at, "a sum of money can wrap around: add by events.Add")
		}
	}
	for _, file := range pass.Files {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BinaryExpr:
				if n.Op == token.ADD {
					check(n.OpPos, n)
				}
			case *ast.AssignStmt:
				if n.Tok == token.ADD_ASSIGN {
					check(n.TokPos, n.Lhs[0])
				}
			}
			return true
		})
	}
	return nil, nil
}
