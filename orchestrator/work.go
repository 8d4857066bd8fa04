package orchestrator

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"log/slog"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"

	"github.com/virtuous6/virtuous6/commands"
)

// work carries wishes for turns from the run's manager to those who perform them, over Watermill. It is never the
// only copy of anything: what is open in the log is wished for again at the next start.
type work struct {
	bus    *gochannel.GoChannel
	router *message.Router
	lanes  int
}

// poisonTopic holds wishes that could not be performed however often they were tried.
const poisonTopic = "turns.poison"

// newWork builds the router: lanes in parallel, each in order, and a run always in the same lane. perform is tried
// again with a growing wait, for as long as the store is away; a wish that fails for good goes to the poison queue, where
// gaveUp hears of it.
func newWork(lanes int, log *slog.Logger, perform func(context.Context, commands.PerformTurn) error, gaveUp func(context.Context, commands.PerformTurn, string) error) (*work, error) {
	// What the router tells of its own starting and stopping is nothing to an operator.
	logger := watermill.NewSlogLoggerWithLevelMapping(log, map[slog.Level]slog.Level{slog.LevelInfo: slog.LevelDebug})
	bus := gochannel.NewGoChannel(gochannel.Config{OutputChannelBuffer: 1024}, logger)
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: 10 * time.Second}, logger)
	if err != nil {
		return nil, fmt.Errorf("router: %w", err)
	}
	poison, err := middleware.PoisonQueue(bus, poisonTopic)
	if err != nil {
		return nil, fmt.Errorf("poison queue: %w", err)
	}
	retry := middleware.Retry{
		MaxRetries: 5, InitialInterval: 100 * time.Millisecond, MaxInterval: 5 * time.Second, Multiplier: 2, Logger: logger,
	}
	router.AddMiddleware(middleware.CorrelationID, poison, retry.Middleware, middleware.Recoverer)
	for lane := range lanes {
		router.AddConsumerHandler(fmt.Sprintf("perform-%d", lane), topic(lane), bus, func(m *message.Message) error {
			wish, err := decodeWish(m)
			if err != nil {
				return err
			}
			err = patiently(m.Context(), log, "a turn", func() error { return perform(m.Context(), wish) })
			if m.Context().Err() != nil {
				return nil // the program stops; the wish comes again at the next start
			}
			return err
		})
	}
	router.AddConsumerHandler("poison", poisonTopic, bus, func(m *message.Message) error {
		wish, err := decodeWish(m)
		if err != nil {
			return err
		}
		return gaveUp(m.Context(), wish, m.Metadata.Get(middleware.ReasonForPoisonedKey))
	})
	return &work{bus: bus, router: router, lanes: lanes}, nil
}

func topic(lane int) string { return fmt.Sprintf("turns.%d", lane) }

// wish hands a turn on. It is lost where the router does not run yet: wait for running first.
func (w *work) wish(c commands.PerformTurn) error {
	payload, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("wish for a turn of run %s: %w", c.Run, err)
	}
	m := message.NewMessage(c.ID.String(), payload)
	middleware.SetCorrelationID(c.Run, m)
	h := fnv.New32a()
	_, _ = h.Write([]byte(c.Run)) // a hash never fails
	return w.bus.Publish(topic(int(h.Sum32()%uint32(w.lanes))), m)
}

// running is closed once every wish is heard.
func (w *work) running() <-chan struct{} { return w.router.Running() }

func (w *work) run(ctx context.Context) error {
	err := w.router.Run(ctx)
	if cerr := w.bus.Close(); err == nil {
		err = cerr
	}
	return err
}

func decodeWish(m *message.Message) (c commands.PerformTurn, err error) {
	if err := json.Unmarshal(m.Payload, &c); err != nil {
		return c, fmt.Errorf("read the wish %s: %w", m.UUID, err)
	}
	return c, nil
}
