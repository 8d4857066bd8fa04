package mining_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/virtuous6/virtuous6/analysts/mining"
)

// Logs of kinds that are often met, made from templates that are known: the share of lines whose group is exactly that of their
// template, by one configuration for all kinds.
func TestGroupingAccuracy(t *testing.T) {
	t.Parallel()
	file, err := os.Open(filepath.Join("testdata", "logs.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	type template struct {
		weight int
		text   string
	}
	kinds := map[string][]template{}
	var names []string
	for lines := bufio.NewScanner(file); lines.Scan(); {
		line := lines.Text()
		if name, ok := strings.CutPrefix(line, "# "); ok {
			names = append(names, name)
			continue
		}
		weight, text, _ := strings.Cut(line, " ")
		n, err := strconv.Atoi(weight)
		if err != nil {
			t.Fatal(err)
		}
		name := names[len(names)-1]
		kinds[name] = append(kinds[name], template{n, text})
	}
	sum := 0.0
	for k, name := range names {
		rng := rand.New(rand.NewPCG(uint64(k), 11))
		var texts []string
		var truth []int
		for range 2000 {
			total := 0
			for _, one := range kinds[name] {
				total += one.weight
			}
			at, pick := 0, rng.IntN(total)
			for pick >= kinds[name][at].weight {
				pick -= kinds[name][at].weight
				at++
			}
			truth = append(truth, at)
			texts = append(texts, slot.ReplaceAllStringFunc(kinds[name][at].text, func(s string) string { return filled(rng, strings.Trim(s, "{}")) }))
		}
		var templates mining.Templates
		of := map[string]int{}
		for _, text := range texts {
			if _, ok := of[text]; !ok {
				of[text] = templates.Add(text)
			}
		}
		templates.Settle()
		groups, number := make([]int, len(texts)), map[string]int{}
		for i, text := range texts {
			first, _ := templates.Settled(of[text], text)
			if _, ok := number[first]; !ok {
				number[first] = len(number)
			}
			groups[i] = number[first]
		}
		accuracy := groupingAccuracy(truth, groups)
		t.Logf("%-24s %.3f", name, accuracy)
		sum += accuracy
		if accuracy < 0.75 {
			t.Errorf("%s: %.3f", name, accuracy)
		}
		if testing.Verbose() && accuracy < 0.99 {
			for first, g := range number {
				t.Log("    ", g, first)
			}
		}
	}
	mean := sum / float64(len(names))
	t.Logf("mean %.3f", mean)
	if mean < 0.95 {
		t.Errorf("mean %.3f", mean)
	}
}

var slot = regexp.MustCompile(`\{(?:[a-z]+|STATE)\}`)

func filled(rng *rand.Rand, kind string) string {
	n := rng.IntN
	pick := func(list string) string { words := strings.Split(list, " "); return words[n(len(words))] }
	letters := func(least, most int) string {
		b := make([]byte, least+n(most-least+1))
		for i := range b {
			b[i] = byte('a' + n(26))
		}
		return string(b)
	}
	switch kind {
	case "num":
		return strconv.Itoa(n([]int{3, 10, 1000, 100_000}[n(4)]))
	case "float":
		return fmt.Sprintf("%d.%d", n(20), n(1000))
	case "secs":
		return pick("1.2s 340ms 6m0s 12s 86ms 1h4m12s 20s")
	case "time":
		return pick("00:01 <1sec 00:14 01:02:33 <1 00:05 02:00")
	case "size":
		return fmt.Sprintf("%d.%d", n(900), n(10)) + pick(",KB ,MB B")
	case "model":
		return pick("gpt-4o gpt-4o-mini o3 llama3.1:8b claude-3 mistral-large gemini-pro")
	case "org":
		return "org-" + letters(8, 8)
	case "user":
		if n(3) == 0 {
			return pick("root admin test oracle guest")
		}
		return letters(3, 8) + pick("_"+letters(2, 5)+" "+strconv.Itoa(n(99))+" "+letters(1, 2))
	case "id":
		return strings.ToUpper(letters(3, 3)) + strconv.Itoa(100+n(900))
	case "flight":
		return "HAT" + strconv.Itoa(100+n(200))
	case "date":
		return fmt.Sprintf("2024-05-%02d", 1+n(28))
	case "tool":
		return pick("search_flights book_reservation get_user calculator fetch send_mail read_file")
	case "field":
		return pick("user_id amount date currency path query limit")
	case "ip":
		return fmt.Sprintf("%d.%d.%d.%d", 10+n(200), n(256), n(256), n(256))
	case "host":
		return pick("mesos-slave-12 mesos-slave-07 node-3 ec2-52-80-34-196.cn.amazonaws.com.cn customer-187-141-143-180-sta.uninet-ide.com.mx "+letters(5, 8)) + pick(" .example.net .lan")
	case "domain":
		return pick("proxy.example.edu "+letters(4, 8)+".com www."+letters(3, 6)+".org") + ""
	case "blk":
		return fmt.Sprintf("blk_%s%d", pick("- +")[:1], n(1<<40))
	case "path":
		return "/" + letters(3, 5) + "/" + letters(3, 9) + "/" + strconv.Itoa(n(99)) + "_" + letters(2, 4)
	case "url":
		return "/v2/" + letters(6, 6) + "/servers/" + pick("detail "+strconv.Itoa(n(1000)))
	case "uuid":
		return fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", n(1<<32), n(1<<16), n(1<<12), n(1<<12), n(1<<48))
	case "rdd":
		return fmt.Sprintf("rdd_%d_%d", n(90), n(40))
	case "dev":
		return pick("eth0 eth1 eno1 wlan0 enp3s0")
	case "core":
		return "core." + strconv.Itoa(n(3000))
	case "bool":
		return pick("true false")
	case "mac":
		return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", n(256), n(256), n(256), n(256), n(256), n(256))
	case "comp":
		return pick("node- gige- storage") + strconv.Itoa(n(300)) + pick(" :"+strconv.Itoa(n(9)))
	case "state":
		return pick("running configured unconfigured halted")
	case "STATE":
		return pick("NEW UNASSIGNED ASSIGNED RUNNING COMMIT_PENDING SUCCEEDED KILLED")
	case "onoff":
		return pick("on off")
	case "name":
		return pick("Anna Bert Clara Dimitri Eva Farid Grete Hugo Ines Jan Kofi Lena Mei Noor Olga Pedro")
	case "city":
		return pick("Oslo Paris Rome Accra Lima Quito Hanoi Delhi") + pick(" "+",")
	case "hex":
		return fmt.Sprintf("0x%x", n(1<<48))
	case "word":
		return pick("nginx postgres redis cron docker sshd ntpd rsyslog cups bluetooth")
	}
	panic(kind)
}

// groupingAccuracy is the share of lines whose group holds exactly the lines of their template.
func groupingAccuracy(truth, groups []int) float64 {
	type pair struct{ truth, group int }
	ofTruth, ofGroup, both := map[int]int{}, map[int]int{}, map[pair]int{}
	for i := range truth {
		ofTruth[truth[i]]++
		ofGroup[groups[i]]++
		both[pair{truth[i], groups[i]}]++
	}
	right := 0
	for p, n := range both {
		if n == ofTruth[p.truth] && n == ofGroup[p.group] {
			right += n
		}
	}
	return float64(right) / float64(len(truth))
}
