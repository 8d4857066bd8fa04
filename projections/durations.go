package projections

import (
	"encoding/binary"
	"errors"
	"math"
	"math/bits"
	"slices"

	"github.com/virtuous6/virtuous6/readmodel"
)

// durations are many durations in nanoseconds, from which quantiles are read. Up to fewDurations of them are kept as they
// are, and quantiles are exact; of more, only how many lie in each of 64 buckets between two powers of two, and a quantile
// is off by at most 1/128 of itself. What they hold does not depend on the order in which they came, or on how they were
// added together: they are counted in whole numbers (docs/decisions/quantiles.md).
type durations struct {
	few []int64
	// buckets count those of the bucket first and of the ones behind it. They are nil as long as there are few.
	buckets []int64
	first   int
	n       int64
}

// fewDurations is how many are kept as they are.
const fewDurations = 256

// perOctave is the logarithm of the number of buckets between two powers of two.
const perOctave = 6

// bucketOf is the bucket of a duration. Those below 128 ns have one each.
func bucketOf(ns int64) int {
	shift := max(bits.Len64(uint64(ns))-perOctave-1, 0)
	return shift<<perOctave + int(ns>>shift)
}

// lastBucket is the bucket of the longest duration.
var lastBucket = uint64(bucketOf(math.MaxInt64))

// middle is the middle of a bucket.
func middle(at int) int64 {
	shift := max(at>>perOctave-1, 0)
	return int64(at-shift<<perOctave)<<shift + 1<<shift>>1
}

// add takes a duration. Those that are not known, below 0, are left out.
func (d *durations) add(ns int64) {
	if ns < 0 {
		return
	}
	d.n++
	if d.buckets == nil && len(d.few) < fewDurations {
		d.few = append(d.few, ns)
		return
	}
	d.crowd()
	d.count(bucketOf(ns), 1)
}

// merge adds others.
func (d *durations) merge(o *durations) {
	for _, ns := range o.few {
		d.add(ns)
	}
	if o.buckets == nil {
		return
	}
	d.crowd()
	for i, n := range o.buckets {
		if n > 0 {
			d.count(o.first+i, n)
			d.n += n
		}
	}
}

// crowd counts the few in their buckets.
func (d *durations) crowd() {
	if d.buckets == nil {
		d.buckets = []int64{}
	}
	for _, ns := range d.few {
		d.count(bucketOf(ns), 1)
	}
	d.few = nil
}

func (d *durations) count(at int, n int64) {
	if len(d.buckets) == 0 {
		d.first = at
	}
	if at < d.first {
		d.buckets = slices.Insert(d.buckets, 0, make([]int64, d.first-at)...)
		d.first = at
	}
	if more := at - d.first - len(d.buckets) + 1; more > 0 {
		d.buckets = append(d.buckets, make([]int64, more)...)
	}
	d.buckets[at-d.first] += n
}

// quantiles are the median and the 95% quantile, in seconds.
func (d *durations) quantiles() Quantiles {
	if d.buckets == nil {
		return quantiles(d.few)
	}
	p50, p95 := seconds(d.quantile(50)), seconds(d.quantile(95))
	return Quantiles{P50: &p50, P95: &p95}.between(d.n, d.at)
}

// quantile is the p-quantile of buckets, p in percent, by linear interpolation as quantile does it.
func (d *durations) quantile(percent int64) int64 {
	at := (d.n - 1) * percent
	i := at / 100
	pair := []int64{d.at(i), d.at(min(i+1, d.n-1))}
	slices.Sort(pair)
	return pair[0] + (pair[1]-pair[0])/100*(at%100) + (pair[1]-pair[0])%100*(at%100)/100
}

// at is the ith smallest.
func (d *durations) at(i int64) int64 {
	for k, n := range d.buckets {
		if i -= n; i < 0 {
			return middle(d.first + k)
		}
	}
	return 0
}

// append appends what decode reads: the number of the few and their sorted gaps, or 0 and the buckets.
func (d *durations) append(b []byte) []byte {
	if d.buckets == nil {
		slices.Sort(d.few)
		b = binary.AppendUvarint(b, uint64(len(d.few)))
		last := int64(0)
		for _, ns := range d.few {
			b, last = binary.AppendUvarint(b, uint64(ns-last)), ns
		}
		return b
	}
	b = append(b, 0)
	last := 0
	for i, n := range d.buckets {
		if n > 0 {
			at := d.first + i
			b, last = binary.AppendUvarint(binary.AppendUvarint(b, uint64(at-last)), uint64(n)), at
		}
	}
	return b
}

var errDurations = errors.New("they are cut off, or no durations")

func (d *durations) decode(b []byte) error {
	*d = durations{}
	r := varints{b: b}
	n := r.next()
	if n > 0 {
		last := int64(0)
		d.few = make([]int64, 0, min(n, fewDurations, uint64(len(r.b))))
		for range min(n, fewDurations) {
			last += int64(r.next())
			d.few = append(d.few, last)
		}
		d.n = int64(n)
	} else if len(r.b) > 0 {
		last := uint64(0)
		d.buckets = make([]int64, 0, len(r.b)) // about as many as there are, so that none is moved
		for len(r.b) > 0 && !r.short {
			last += r.next()
			n := int64(r.next())
			if last > lastBucket {
				return errDurations
			}
			d.count(int(last), n)
			d.n += n
		}
	}
	if r.short || len(r.b) > 0 {
		return errDurations
	}
	return nil
}

// varints reads unsigned varints. short tells that there were too few.
type varints struct {
	b     []byte
	short bool
}

func (r *varints) next() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.short, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

// signed reads what binary.AppendVarint appended.
func (r *varints) signed() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.short, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

// part reads bytes that come behind their number.
func (r *varints) part() []byte {
	n := r.next()
	if n > uint64(len(r.b)) {
		r.short, r.b = true, nil
		return nil
	}
	part := r.b[:n]
	r.b = r.b[n:]
	return part
}

// packed is a column of bytes that a value is packed into.
func packed[R any](name string, pack func(*R, []byte) []byte, unpack func(*R, []byte) error) readmodel.ColumnOf[R] {
	return readmodel.ColumnOf[R]{
		Column: readmodel.Column{Name: name, Type: readmodel.Blob},
		Put: func(r *R, s readmodel.Sink) error {
			b := s.Scratch()
			*b = pack(r, (*b)[:0])
			s.Blob(*b)
			return nil
		},
		Take: func(r *R, s readmodel.Source, i int) error { return readmodel.ColumnError(name, unpack(r, s.Blob(i))) },
	}
}
