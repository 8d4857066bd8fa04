package stats

import (
	"iter"
	"math"
)

// PerPerson is how many judgements of one person count, the latest: nobody speaks for all.
const PerPerson = 10

// Judgement is what a person thought of a run.
type Judgement struct {
	User, Run string
	Liked     bool
}

// Judged counts judgements, given the latest first: the last one of a person on a run, and PerPerson of each person; and who made them.
func Judged(latest iter.Seq[Judgement]) (liked, judged, people int64) {
	type word struct{ user, run string }
	heard, counted := map[word]bool{}, map[string]int{}
	for j := range latest {
		w := word{j.User, j.Run}
		if heard[w] || counted[j.User] >= PerPerson {
			continue
		}
		heard[w] = true
		if counted[j.User]++; counted[j.User] == 1 {
			people++
		}
		judged++
		if j.Liked {
			liked++
		}
	}
	return liked, judged, people
}

// Agreement counts how two raters rate the same things, of which each is good or not.
type Agreement struct {
	Both, OnlyFirst, OnlySecond, Neither int64
}

// N is how many they rated.
func (a Agreement) N() int64 { return a.Both + a.OnlyFirst + a.OnlySecond + a.Neither }

// Kappa is by how much they agree beyond chance (Cohen, Educational and Psychological Measurement 1960, 20:37), with the large-sample interval of
// Fleiss, Cohen and Everitt (Psychological Bulletin 1969, 72:323). Where one of them says the same of all it is 0, and nothing is known of it.
func (a Agreement) Kappa(confidence float64) (float64, Interval) {
	n := float64(a.N())
	first, second := float64(a.Both+a.OnlyFirst), float64(a.Both+a.OnlySecond)
	if first == 0 || first == n || second == 0 || second == n {
		return 0, Interval{Low: -1, High: 1}
	}
	p := [2][2]float64{{float64(a.Both) / n, float64(a.OnlyFirst) / n}, {float64(a.OnlySecond) / n, float64(a.Neither) / n}}
	row, column := [2]float64{first / n, 1 - first/n}, [2]float64{second / n, 1 - second/n}
	agree := p[0][0] + p[1][1]
	chance := float64(row[0]*column[0]) + float64(row[1]*column[1])
	kappa := (agree - chance) / (1 - chance)
	variance := -square(kappa - float64(chance*(1-kappa)))
	for i := range 2 {
		for j := range 2 {
			if i == j {
				variance += float64(p[i][i] * square(1-float64((row[i]+column[i])*(1-kappa))))
			} else {
				variance += float64(square(1-kappa) * p[i][j] * square(column[i]+row[j]))
			}
		}
	}
	half := z(confidence) * math.Sqrt(max(variance, 0)/n) / (1 - chance)
	return kappa, Interval{Low: max(-1, kappa-half), High: min(1, kappa+half)}
}

// Corrected is the share that is truly good of n things of which an imperfect rater, the first one, calls good so many: by how often it calls good
// what the second one does, and what that one does not (Rogan and Gladen, American Journal of Epidemiology 1978, 107:71). Its interval takes in
// that neither of the two is known for sure, with a few trials put into each proportion as Lang and Reiczigel do (Preventive Veterinary Medicine
// 2014, 113:13). It is [0, 1] where the rater can't tell the two apart.
func (a Agreement) Corrected(good, n int64, confidence float64) (float64, Interval) {
	unknown := Interval{Low: 0, High: 1}
	is, not := a.Both+a.OnlySecond, a.OnlyFirst+a.Neither
	if n <= 0 || is <= 0 || not <= 0 {
		return .5, unknown
	}
	rate := (float64(good)/float64(n) + float64(a.Neither)/float64(not) - 1) / (float64(a.Both)/float64(is) + float64(a.Neither)/float64(not) - 1)
	q := z(confidence)
	count := float64(n) + float64(q*q)
	said := (float64(good) + float64(q*q)/2) / count
	hit, pass := float64(a.Both+1)/float64(is+2), float64(a.Neither+1)/float64(not+2)
	apart := hit + pass - 1
	if apart <= 0 || math.IsNaN(rate) || math.IsInf(rate, 0) {
		return .5, unknown
	}
	centre := min(1, max(0, (said+pass-1)/apart))
	hits, passes := float64(hit*(1-hit))/float64(is+2), float64(pass*(1-pass))/float64(not+2)
	shift := 2 * float64(q*q) * (float64(centre*hits) - float64((1-centre)*passes))
	half := q * math.Sqrt(float64(said*(1-said))/count+float64(square(centre)*hits)+float64(square(1-centre)*passes)) / apart
	return min(1, max(0, rate)), Interval{Low: min(1, max(0, centre+shift-half)), High: max(0, min(1, centre+shift+half))}
}

func square(x float64) float64 { return float64(x * x) }
