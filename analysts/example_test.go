package analysts_test

import (
	"context"
	"fmt"

	"github.com/virtuous6/virtuous6/analysts"
	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
)

// An analyst loads a view of the read models, and thinks about it without reading any more. Of nothing it says nothing.
func ExampleAll() {
	ctx := context.Background()
	models, err := projections.Open(ctx, readmodel.NewMemory(), readmodel.Options{})
	if err != nil {
		panic(err)
	}
	defer func() { _ = models.Close() }()
	for _, analyst := range analysts.All()[:1] {
		think, err := analyst.Load(ctx, models)
		if err != nil {
			panic(err)
		}
		result := think()
		fmt.Println(analyst.Name, len(result.Proposals), len(result.Findings))
	}
	// Output: workflow 0 0
}
