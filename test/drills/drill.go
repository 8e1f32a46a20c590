// Package drills breaks a running platform on purpose, under load, and checks every payment afterwards. Its rule: a drill acts from
// outside, on processes, links, services and the simulator, never on the code; and the checker decides whether it passed, by comparing
// what each side has written down.
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
	"sync/atomic"
	"time"

	"github.com/onlywave/onlywave/test/devstack"
	"github.com/onlywave/onlywave/test/load"
	"github.com/onlywave/onlywave/test/platform"
)

// Drill is one fault, and what must hold in spite of it.
type Drill struct {
	Name   string
	Shows  string        // what it shows, in one sentence
	Rate   float64       // payments created a second; 0: 5
	Lasts  time.Duration // how long the fault lasts at most; 0: 8 s
	Flood  load.Flood    // webhooks beside the simulator's own
	Within time.Duration // how long each buyer has to pay; 0: an hour
	Refund float64       // the share of paid payments of which the client gives money back; 0: 0.2
	Cancel float64       // the share of payments that the client cancels; 0: 0.05
	Plain  bool          // no checkouts, saved or entered cards, challenges, disputes or captures, for which the provider rate is too low
	Panel  float64       // the share of refunded payments of which the seller refunds a part in the provider's panel

	EachEnds bool // every buyer pays, or lets the Pix expire; else some leave, and their payments stay open

	// Replicas gives the drill the platform of `onlywave-lab dev --replicas 2 --monitoring`: each part has a replica, clients use the
	// balancer, and there are no links.
	Replicas bool
	// RedisCluster gives the platform a cluster of three masters and their replicas instead of one Redis.
	RedisCluster bool
	// Settings are the platform's own in this drill, beside those of all drills.
	Settings map[string]string
	// From is the local address of the clients' connections, with Replicas; "": any.
	From string

	// Prepare is done before the platform is started, without a time limit; nil: nothing.
	Prepare func(context.Context) error

	Strike []Act // the fault, in this order
	Until  []Act // what the fault must see before it is healed, such as something that happens by chance; the soak does not wait for it
	Heal   []Act // its end
	After  []Act // what is done once the load has ended
	Expect []Expectation
}

// Act is one action of a drill.
type Act func(context.Context, *Scene) error

// Expectation is checked in addition to the checker's rules.
type Expectation func(context.Context, *Scene) ([]Objection, error)

// Scene is a running drill and its platform.
type Scene struct {
	*platform.Platform
	Drill  Drill
	Random *rand.Rand // the source of everything random
	Began  time.Time  // when its load did
	Struck time.Time  // when the fault did
	Healed time.Time  // when it was over

	Log      *load.Log // once the load has ended
	Evidence Evidence  // once it has been gathered

	// What acts note for later acts and expectations.
	api, worker int            // the processes chosen at random
	lost        leaders        // the leaders before the fault
	subscriber  *subscriber    // another service that listens on onlywave.events
	poison      []string       // message ids of unreadable messages
	foreign     []string       // ids of the provider's payments that OnlyWave did not create
	openings    map[string]int // of the breakers, before the fault
	missed      int            // missed webhooks counted before the fault
	attack      *attack        // while it runs
	backup      backup         // from which the database was restored
	cancelled   int            // runs
	crowd       crowd          // payments that were paid at the same moment
	shift       shift          // of the operator
	same        []same         // requests of which many are sent at once
	again       atomic.Int64   // refunds that were asked for again
	late        int            // payments that were paid after their end

	node devstack.Service // the lost node of the Redis cluster

	remarks    []string // for the table
	objections []Objection
	out        io.Writer
}

// progress prints a line with the time since the drill began.
func (s *Scene) progress(format string, args ...any) {
	fmt.Fprintf(s.out, "  %5.1fs  %s\n", time.Since(s.Began).Seconds(), fmt.Sprintf(format, args...))
}

// remark adds a text to the drill's row of the table.
func (s *Scene) remark(format string, args ...any) {
	s.remarks = append(s.remarks, fmt.Sprintf(format, args...))
}

// The load before, during and after each fault.
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

// leaves is the share of the buyers who never pay.
func (d Drill) leaves() float64 {
	if d.EachEnds {
		return 0
	}
	return 0.05
}

// random is the drill's own source: the same for the same seed, whatever other drills run.
func (d Drill) random(seed uint64) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(d.Name))
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

// Choose picks drills by a list of names or regular expressions that a whole name matches, separated by commas; "" is all.
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
