package sqlite_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/virtuous6/virtuous6/projections"
	"github.com/virtuous6/virtuous6/readmodel"
	"github.com/virtuous6/virtuous6/readmodel/enginetest"
	"github.com/virtuous6/virtuous6/readmodel/sqlite"
)

func models(tb testing.TB, path string) *projections.Models {
	tb.Helper()
	e, err := sqlite.Open(tb.Context(), path, sqlite.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	m, err := projections.Open(tb.Context(), e, readmodel.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := m.Close(); err != nil {
			tb.Error(err)
		}
	})
	return m
}

// BenchmarkApply folds and writes a history of about 240,000 facts, decoded before.
func BenchmarkApply(b *testing.B) {
	entries := enginetest.Simulated(1, 20_000)
	for _, size := range []int{1, 100, 1_000, 5_000, 20_000, 60_000} {
		part := entries[:min(len(entries), size*2_000)]
		b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) {
			b.ReportAllocs()
			facts := 0
			for i := 0; b.Loop(); i++ {
				b.StopTimer()
				m := models(b, filepath.Join(b.TempDir(), fmt.Sprint(i, ".db")))
				b.StartTimer()
				var after uint64
				for at := 0; at < len(part); at += size {
					batch := part[at:min(at+size, len(part))]
					if err := m.Apply(b.Context(), after, batch); err != nil {
						b.Fatal(err)
					}
					after = batch[len(batch)-1].Envelope.Position
				}
				facts += len(part)
			}
			b.ReportMetric(float64(facts)/b.Elapsed().Seconds(), "facts/s")
		})
	}
}

// BenchmarkMillion rebuilds the read models of a million facts beside the live ones, swaps them in, and reads them.
func BenchmarkMillion(b *testing.B) {
	entries := enginetest.Simulated(1, 84_000)
	m := models(b, filepath.Join(b.TempDir(), "models.db"))
	b.Run("rebuild", func(b *testing.B) {
		facts := 0
		for b.Loop() {
			r, err := m.BeginRebuild(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			for batch := range slices.Chunk(entries, 50_000) {
				if err := r.Apply(b.Context(), r.Position(), batch); err != nil {
					b.Fatal(err)
				}
			}
			if err := r.Swap(b.Context(), nil); err != nil {
				b.Fatal(err)
			}
			facts += len(entries)
		}
		b.ReportMetric(float64(facts)/b.Elapsed().Seconds(), "facts/s")
	})
	for name, read := range map[string]func() error{
		"report": func() error { _, err := m.Report(b.Context(), projections.MetricsFilter{}); return err },
		"digest": func() error { _, err := m.Digest(b.Context()); return err },
		"steps": func() error {
			for _, err := range m.RunSteps(b.Context(), "") {
				if err != nil {
					return err
				}
			}
			return nil
		},
		"runs": func() error {
			for _, err := range m.Runs(b.Context(), projections.RunFilter{}) {
				if err != nil {
					return err
				}
			}
			return nil
		},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := read(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
