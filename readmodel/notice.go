package readmodel

import (
	"context"
	"fmt"
	"time"
)

// Notice is what a process tells the others that share the engine, for a while: a text under a topic and a key. It is no
// part of the read models and may be lost at any time.
type Notice struct {
	Topic, Key, Text string
	// Until is when it is over, by the clock of who posts it.
	Until time.Time
}

type noticeRow struct {
	topic, key, text string
	until            int64
}

// noticeTable belongs to no generation.
var noticeTable = NewTable("notices", TableOf[[2]string, noticeRow]{
	Key:   func(r *noticeRow) [2]string { return [2]string{r.topic, r.key} },
	Fresh: func(k [2]string, r *noticeRow) { r.topic, r.key = k[0], k[1] },
	Row: []ColumnOf[noticeRow]{
		Key(String("topic", func(r *noticeRow) *string { return &r.topic })),
		Key(String("key", func(r *noticeRow) *string { return &r.key })),
		String("text", func(r *noticeRow) *string { return &r.text }),
		Int("until", func(r *noticeRow) *int64 { return &r.until }),
	},
})

// Post puts up notices, each over that of its topic and key, and takes down those of a topic whose keys are in gone, and all
// that are over: whoever posted those may have died.
func (m *Models) Post(ctx context.Context, now time.Time, notices []Notice, topic string, gone []string) error {
	err := m.engine.Update(ctx, func(tx Tx) error {
		if err := tx.Delete(&noticeTable.Table, []Condition{{Column: "until", Op: Below, Int: now.UnixNano()}}); err != nil {
			return err
		}
		for _, key := range gone {
			if err := tx.Delete(&noticeTable.Table, []Condition{{Column: "topic", Text: topic}, {Column: "key", Text: key}}); err != nil {
				return err
			}
		}
		var row noticeRow
		put := record[noticeRow]{columns: noticeTable.Row, row: &row}
		return tx.Put(Live, &noticeTable.Table, len(notices), func(i int) Row {
			n := notices[i]
			row = noticeRow{n.Topic, n.Key, n.Text, n.Until.UnixNano()}
			return &put
		})
	})
	if err != nil {
		return fmt.Errorf("post notices: %w", err)
	}
	return nil
}

// Notices are those of a topic that are not over, by key.
func (m *Models) Notices(ctx context.Context, topic string, now time.Time) (map[string]string, error) {
	s, _, err := snapshot(ctx, m.engine, m.shape)
	if err != nil {
		return nil, fmt.Errorf("read notices: %w", err)
	}
	defer s.Close()
	out := map[string]string{}
	q := Query{Table: &noticeTable.Table, Where: []Condition{{Column: "topic", Text: topic}, {Column: "until", Op: AtLeast, Int: now.UnixNano()}}}
	err = Scan(s, noticeTable, &q, func(row *noticeRow) error {
		out[row.key] = row.text
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read notices: %w", err)
	}
	return out, nil
}
