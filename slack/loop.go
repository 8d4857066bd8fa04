package slack

import (
	"fmt"

	api "github.com/slack-go/slack"

	"github.com/virtuous6/virtuous6/projections"
)

// pausedBlocks tell that nothing is improved for now, and who said so.
func pausedBlocks(loop projections.LoopRow) []api.Block {
	return []api.Block{section(fmt.Sprintf(":double_vertical_bar: *Improvements are paused* by %s: %s",
		inert(clip(oneLine(loop.By), 80)), inert(clip(oneLine(loop.Reason), 600))))}
}
