// Package drills breaks a running platform on purpose, under load, and judges what became of every payment. Its rule: a
// drill does harm from outside, to processes, links, services and the simulator, never to our code; and the verdict is
// the checker's, which compares what each side has written down.
package drills

import (
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/load"
	"github.com/onlywave/onlywave/test/platform"
)

// Drill is one fault, and what the platform owes its users all the same.
type Drill struct {
	Name   string
	Shows  string        // what it shows, in one sentence
	Rate   float64       // payments asked for a second; 0: 5
	Lasts  time.Duration // how long the fault does, at most; 0: 8 s
	Flood  load.Flood    // webhooks beside the simulator's own
	Within time.Duration // how long each buyer has to pay; 0: an hour

	// Doubled is a drill on what `onlywave-lab dev --replicas 2 --monitoring` runs: each has a second one to take over, clients come
	// in through the balancer, and there are no links to harm.
	Doubled bool
	// RedisCluster gives the platform a cluster of three masters and their replicas in the place of one Redis.
	RedisCluster bool
	// Settings are the platform's own in this drill, beside those of all drills.
	Settings map[string]string
	// From is the address of this machine that client apps come from, with Doubled; "": any.
	From string

	// Prepare is done before its platform is used, and takes as long as it takes; nil: nothing.
	Prepare func(context.Context) error

	Strike []Act // what goes wrong, in this order
	Heal   []Act // what makes it good again
	After  []Act // what follows once the load has ended
	Expect []Expectation
}

// Act does something to the scene.
type Act func(context.Context, *Scene) error

// Expectation is something a drill asks for beyond what the checker asks of every drill.
type Expectation func(context.Context, *Scene) ([]Objection, error)

// Scene is the platform that a drill plays on.
type Scene struct {
	*platform.Platform
	Drill  Drill
	Random *rand.Rand // all that is drawn at random
	Began  time.Time  // when its load did
	Struck time.Time  // when the fault did
	Healed time.Time  // when it was over

	Log      *load.Log // once the load has ended
	Evidence Evidence  // once it has been gathered

	// What acts leave for each other and for what is expected.
	api, worker int            // the processes drawn
	lost        leaders        // who led before the fault
	subscriber  *subscriber    // another service that listens on onlywave.events
	poison      []string       // message ids of what can never be processed
	strangers   []string       // ids of the provider's payments that are not ours
	openings    map[string]int // of the breakers, before the fault
	missed      int            // webhooks counted as such before the fault
	attack      *attack        // that goes on
	backup      backup         // to which the database was taken back
	cancelled   int            // runs
	crowd       crowd          // payments that were paid at one moment

	node devstack.Service // of Redis' cluster, the one that was lost

	remarks    []string // for the table
	objections []Objection
	out        io.Writer
}

// tell says to a person what is going on.
func (s *Scene) tell(format string, args ...any) {
	fmt.Fprintf(s.out, "  %5.1fs  %s\n", time.Since(s.Began).Seconds(), fmt.Sprintf(format, args...))
}

// remark says something that the table shall show.
func (s *Scene) remark(format string, args ...any) {
	s.remarks = append(s.remarks, fmt.Sprintf(format, args...))
}

// The load around each fault.
const (
	defaultRate  = 5.0
	defaultLasts = 8 * time.Second
	lead         = 4 * time.Second // of load before the fault
	trail        = 6 * time.Second // and after it
)

func (d Drill) complete() Drill {
	if d.Rate == 0 {
		d.Rate = defaultRate
	}
	if d.Lasts == 0 {
		d.Lasts = defaultLasts
	}
	return d
}

// random is the drill's own source: the same for the same seed, whatever other drills run beside it.
func (d Drill) random(seed uint64) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(d.Name))
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

// Choose picks drills by a list of names or regular expressions that a whole name matches, divided by commas; "" is all.
func Choose(all []Drill, names string) ([]Drill, error) {
	if names == "" {
		return all, nil
	}
	chosen := map[string]bool{}
	for name := range strings.SplitSeq(names, ",") {
		pattern, err := regexp.Compile("^(?:" + strings.TrimSpace(name) + ")$")
		if err != nil {
			return nil, fmt.Errorf("drill %q: %w", name, err)
		}
		found := false
		for _, d := range all {
			if pattern.MatchString(d.Name) {
				chosen[d.Name], found = true, true
			}
		}
		if !found {
			return nil, fmt.Errorf("there is no drill %q", name)
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(d Drill) bool { return !chosen[d.Name] }), nil
}
