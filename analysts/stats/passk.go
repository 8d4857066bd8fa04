package stats

// Trials counts the rated runs of one task, and those that succeeded.
type Trials struct {
	Succeeded, Rated int64
}

// PassK estimates without bias the chance that k runs of a task all succeed: C(succeeded, k) / C(rated, k) (pass^k of
// tau-bench, Yao and others 2024; the estimator is that of Chen and others 2021 for pass@k). ok is false where the
// task has fewer than k rated runs, or k is below 1: nothing is known then.
func PassK(t Trials, k int64) (p float64, ok bool) {
	if k < 1 || k > t.Rated {
		return 0, false
	}
	p = 1
	for i := range k {
		if t.Succeeded <= i {
			return 0, true
		}
		p *= float64(t.Succeeded-i) / float64(t.Rated-i)
	}
	return p, true
}

// PassHat is pass^1, pass^2, ... up to pass^most: each the mean over the tasks that have at least k rated runs. It
// ends before the first k that no task reaches.
func PassHat(tasks []Trials, most int) []float64 {
	var hat []float64
	for k := range most {
		sum, n := 0.0, 0
		for _, t := range tasks {
			if p, ok := PassK(t, int64(k+1)); ok {
				sum += p
				n++
			}
		}
		if n == 0 {
			break
		}
		hat = append(hat, sum/float64(n))
	}
	return hat
}
