package drills

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/platform"
	"github.com/onlywave/onlywave/test/simulator"
)

// shifts are the drills in which an operator ends the trouble, with the documented scripts and commands only.
var shifts = []Drill{{
	Name: "shift", Shows: "With the documented scripts and commands only, one operator ends an outage of two minutes with 200 waiting payments, ten unknown payments, dead letters of three causes, and the flood of one client app. The audit has each action.",
	// Otherwise polls and reconciliation end what the operator has to end.
	Settings: map[string]string{"POLL_FIRST": "2m", "POLL_MAX": "10m", "RECONCILE_EVERY": "10m"},
	// 240 plain payments wait. More, or what buyers do with all ways to pay, would keep two cores busy for minutes after the outage.
	Rate: 2, Plain: true, Lasts: 260 * time.Second,
	Strike: []Act{
		paymentsBecomeUnknown, poison(3, 100*time.Millisecond), foreignWebhooks(2, simulator.Fault{Kind: simulator.KindError, Status: http.StatusForbidden}),
		shiftOutage, endTheOutage, endTheFlood, settleTheUnknown, endTheDeadLetters,
	},
	Expect: []Expectation{everyClientIsAnswered, poisonIsDeadLettered, floodDelaysNobody, noDeadLetterIsOpen, auditNamesEachAction},
}}

// shift is what the operator's shift has to do with.
type shift struct {
	charged   []string // unknown payments that the provider has,
	uncharged []string // and those that it does not have
	held      string   // the payment that was held during the outage
	parked    int      // payments that waited at the end of the outage
	commands  int      // that the operator has run

	floodBegan, floodEnded time.Time
	flooded                int // payments that the flooding client app got
}

const (
	onCall       = "ana" // the operator
	outageLength = 2 * time.Minute
	parkedLeast  = 200
	endWait      = 2 * time.Minute // for each thing that the operator waits for
)

// operate runs a documented command in the operator's shell and returns what it prints.
func (s *Scene) operate(ctx context.Context, words ...string) (string, error) {
	s.shift.commands++
	out, err := s.Operate(ctx, words...)
	if err != nil {
		return out, fmt.Errorf("%s: %w", strings.Join(words, " "), err)
	}
	return out, nil
}

// because are the flags of every command that changes something.
func because(reason string) []string { return []string{"--actor", onCall, "--reason", reason} }

// count is the number that scripts/ops/list prints for these flags.
func (s *Scene) count(ctx context.Context, flags ...string) (int, error) {
	out, err := s.operate(ctx, append([]string{"scripts/ops/list", "--count"}, flags...)...)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(out))
}

// awaitNone waits until the list is empty. A busy server of Temporal may refuse to count for a moment; an operator would repeat the command.
func (s *Scene) awaitNone(ctx context.Context, flags ...string) error {
	ctx, cancel := context.WithTimeout(ctx, endWait)
	defer cancel()
	for {
		n, err := s.count(ctx, flags...)
		if err == nil && n == 0 {
			return nil
		}
		s.progress("%d payments are listed", n)
		if !platform.Pause(ctx, 2*time.Second) {
			return fmt.Errorf("%d payments are still listed by %v: %w", n, flags, errors.Join(ctx.Err(), err))
		}
	}
}

// paymentsBecomeUnknown makes ten payments whose outcome nobody knows. The provider has charged half of them; its search does not find
// them, and its webhooks are lost.
func paymentsBecomeUnknown(ctx context.Context, s *Scene) error {
	nonsense := simulator.Fault{On: simulator.Create, Kind: simulator.KindError, Status: http.StatusNotFound, Times: 1}
	for i := range 10 {
		key := fmt.Sprintf("%s-unknown-%d-%x", s.Drill.Name, i, s.Random.Uint32())
		id := payment.NewID("demo", key)
		faults := []simulator.Fault{nonsense, {On: simulator.Search, Kind: simulator.KindSearchLag}, {On: simulator.Webhook, Kind: simulator.KindLost}}
		if i%2 == 0 {
			faults = slices.Insert(faults, 0, simulator.Fault{On: simulator.Create, Kind: simulator.KindTruncated, Times: 1})
			s.shift.charged = append(s.shift.charged, id)
		} else {
			s.shift.uncharged = append(s.shift.uncharged, id)
		}
		for n := range faults {
			faults[n].ExternalReference = id
		}
		if err := s.Provider.Arm(ctx, faults...); err != nil {
			return err
		}
		if _, err := s.Shops[i%len(s.Shops)].Create(ctx, key, 1050); err != nil {
			return err
		}
		if _, err := s.Shops[0].Await(ctx, id, string(payment.Unknown)); err != nil {
			return err
		}
	}
	s.progress("ten payments are unknown")
	return nil
}

// shiftOutage cuts the workers off from the provider for two minutes. Meanwhile the operator looks, and holds one payment.
func shiftOutage(ctx context.Context, s *Scene) error {
	began := time.Now()
	if err := blackHole("worker", platform.MercadoPago)(ctx, s); err != nil {
		return err
	}
	s.progress("Mercado Pago is unreachable")
	if !platform.Pause(ctx, outageLength/2) {
		return ctx.Err()
	}
	breakers, err := s.operate(ctx, "onlywave", "breakers", "list")
	if err != nil {
		return err
	}
	if !strings.Contains(breakers, "open") { // or half-open
		return fmt.Errorf("no breaker is open in the outage:\n%s", breakers)
	}
	ids, err := s.operate(ctx, "scripts/ops/list", "--status", "processing", "--ids", "--limit", "1")
	if err != nil {
		return err
	}
	s.shift.held = strings.TrimSpace(ids)
	if _, err := s.operate(ctx, append([]string{"onlywave", "payments", "hold", s.shift.held}, because("the shop asks for it")...)...); err != nil {
		return err
	}
	if !platform.Pause(ctx, time.Until(began.Add(outageLength))) {
		return ctx.Err()
	}
	if s.shift.parked, err = s.count(ctx, "--status", "processing"); err != nil {
		return err
	}
	s.remark("outage of %s, %d payments waited", took(began), s.shift.parked)
	if s.shift.parked < parkedLeast {
		return fmt.Errorf("%d payments wait at the end of the outage, and at least %d should", s.shift.parked, parkedLeast)
	}
	return mend("worker", platform.MercadoPago)(ctx, s)
}

// endTheOutage lets what waits go on at a rate that a provider bears which has just recovered, and releases the held payment.
func endTheOutage(ctx context.Context, s *Scene) error {
	ended := time.Now().UTC()
	s.progress("Mercado Pago has recovered, %d payments wait", s.shift.parked)
	for _, words := range [][]string{
		append([]string{"scripts/ops/throttle", "set", "40"}, because("Mercado Pago has just recovered")...),
		append([]string{"scripts/ops/signal", "retry", "--status", "processing", "--yes"}, because("Mercado Pago has recovered")...),
		append([]string{"onlywave", "payments", "release", s.shift.held}, because("the shop has answered")...),
	} {
		if _, err := s.operate(ctx, words...); err != nil {
			return err
		}
	}
	before := "StartTime < '" + ended.Format(time.RFC3339) + "'"
	if err := s.awaitNone(ctx, "--status", "processing", "--query", before); err != nil {
		return err
	}
	_, err := s.operate(ctx, append([]string{"scripts/ops/throttle", "unset"}, because("all payments went on")...)...)
	s.remark("none waited %s after the outage", took(ended))
	s.progress("none of them waits any more")
	return err
}

// endTheFlood ends the flood of a client app by revoking its key.
func endTheFlood(ctx context.Context, s *Scene) error {
	const (
		client  = "flood"
		aSecond = 20
		lasts   = 20 * time.Second
	)
	key, err := s.operate(ctx, "onlywave", "keys", "create", "--client", client, "--scopes", "payments:write,payments:read", "--expires", "1d", "--actor", onCall)
	if err != nil {
		return err
	}
	shop := &platform.Shop{URL: s.Shops[0].URL, Key: strings.TrimSpace(key)}
	var refused, taken atomic.Int64
	flooding, stop := context.WithCancel(ctx)
	defer stop()
	s.shift.floodBegan = time.Now()
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(time.Second / aSecond)
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-flooding.Done():
				return
			case <-tick.C:
			}
			go func() {
				key := fmt.Sprintf("%s-flood-%d-%x", s.Drill.Name, n, s.Began.Unix())
				answer, err := shop.Post(flooding, key, platform.Order(100, key), "Prefer", "wait=0")
				switch {
				case err != nil:
				case answer.Status == http.StatusUnauthorized:
					refused.Add(1)
				case answer.Status < 300:
					taken.Add(1)
				}
			}()
		}
	}()
	s.progress("a client app floods")
	if !platform.Pause(ctx, lasts) {
		return ctx.Err()
	}
	if n, err := s.count(ctx, "--query", `PaymentClient = "`+client+`"`); err != nil || n == 0 {
		return fmt.Errorf("the list shows %d payments of the flood: %w", n, err)
	}
	keys, err := s.operate(ctx, "onlywave", "keys", "list", "--client", client)
	if err != nil {
		return err
	}
	rows := strings.Split(strings.TrimSpace(keys), "\n")
	id := strings.Fields(rows[len(rows)-1])[0]
	if _, err := s.operate(ctx, "onlywave", "keys", "revoke", "--id", id, "--actor", onCall); err != nil {
		return err
	}
	waiting, cancel := context.WithTimeout(ctx, endWait)
	defer cancel()
	for refused.Load() == 0 {
		if !platform.Pause(waiting, 100*time.Millisecond) {
			return fmt.Errorf("the flood is not refused after its key was revoked: %w", waiting.Err())
		}
	}
	s.shift.floodEnded, s.shift.flooded = time.Now(), int(taken.Load())
	stop()
	<-done
	s.progress("the flood is refused")
	return nil
}

// settleTheUnknown looks each unknown payment up in the provider's panel, and settles it by what the panel has.
func settleTheUnknown(ctx context.Context, s *Scene) error {
	out, err := s.operate(ctx, "scripts/ops/list", "--view", "unknown", "--ids")
	if err != nil {
		return err
	}
	if listed := strings.Fields(out); len(listed) != len(s.shift.charged)+len(s.shift.uncharged) {
		return fmt.Errorf("%d unknown payments are listed: %v", len(listed), listed)
	}
	if err := s.tenMinutesPass(ctx, s.shift.uncharged); err != nil {
		return err
	}
	for _, id := range slices.Concat(s.shift.charged, s.shift.uncharged) {
		if story, err := s.operate(ctx, "onlywave", "explain", id); err != nil || !strings.Contains(story, "unknown") {
			return fmt.Errorf("the story of an unknown payment does not say so: %w\n%s", err, story)
		}
		panel, err := s.Provider.Ledger(ctx, id)
		if err != nil {
			return err
		}
		decision := because("the panel has none")
		if len(panel) > 0 {
			decision = append(because("the panel has it"), "--outcome", "found", "--provider-payment-id", panel[0].PaymentID)
		}
		if _, err := s.operate(ctx, append([]string{"onlywave", "payments", "settle", id}, decision...)...); err != nil {
			return err
		}
	}
	s.progress("all unknown payments are settled")
	return s.awaitNone(ctx, "--view", "unknown")
}

// tenMinutesPass makes payments older. A payment that was unknown for less than ten minutes cannot be settled as failed.
func (s *Scene) tenMinutesPass(ctx context.Context, ids []string) error {
	conn, err := pgx.Connect(ctx, s.Stack.PostgresURL())
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	_, err = conn.Exec(ctx, `update payments set updated_at = updated_at - interval '10 minutes' where id = any($1::uuid[])`, ids)
	return err
}

// redriveID finds the id of a redrive in what its command prints.
var redriveID = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// endTheDeadLetters discards what nobody can read, and redrives the webhooks that were refused, whose payments are none of ours.
func endTheDeadLetters(ctx context.Context, s *Scene) error {
	out, err := s.operate(ctx, "onlywave", "dead-letters", "list", "--cause", string(deadletter.CauseUnreadable), "--limit", "100")
	if err != nil {
		return err
	}
	rows := strings.Split(strings.TrimSpace(out), "\n")[1:]
	if len(rows) < len(s.poison) { // each of the two queues of webhooks makes one of its copy
		return fmt.Errorf("%d unreadable dead letters of %d are listed:\n%s", len(rows), len(s.poison), out)
	}
	for _, row := range rows {
		if _, err := s.operate(ctx, append([]string{"onlywave", "dead-letters", "discard", strings.Fields(row)[0]}, because("a test of another program")...)...); err != nil {
			return err
		}
	}
	if err := disarm(ctx, s); err != nil { // the account may read them now
		return err
	}
	out, err = s.operate(ctx, append([]string{"onlywave", "dead-letters", "redrive", "--cause", string(deadletter.CauseRefused), "--canary", "1"}, because("the account may read them now")...)...)
	if err != nil {
		return err
	}
	id := redriveID.FindString(out)
	if _, err := s.operate(ctx, "scripts/ops/follow-redrive", id); err != nil {
		return err
	}
	s.progress("no dead letter is open")
	return nil
}

// floodDelaysNobody: the requests of the other client app got their answers meanwhile, half of them within a second.
func floodDelaysNobody(_ context.Context, s *Scene) ([]Objection, error) {
	var waits []time.Duration
	for _, i := range s.Log.Intents {
		if i.Intended.After(s.shift.floodBegan) && i.Intended.Before(s.shift.floodEnded) && !i.Shed {
			waits = append(waits, i.Answered.Sub(i.Intended))
		}
	}
	if len(waits) < 20 || s.shift.flooded < 100 {
		return []Objection{object("a flood delays nobody else", "", "%d requests of others beside %d payments of the flood are too few", len(waits), s.shift.flooded)}, nil
	}
	slices.Sort(waits)
	p50, p95 := waits[len(waits)/2].Round(time.Millisecond), waits[len(waits)*19/20].Round(time.Millisecond)
	s.remark("beside a flood of %d payments of one client app, others waited %s (p50), %s (p95)", s.shift.flooded, p50, p95)
	if p50 > soonEnough {
		return []Objection{object("a flood delays nobody else", "", "half of the others waited %s or longer", p50)}, nil
	}
	return nil, nil
}

// noDeadLetterIsOpen: the operator has ended all of them, of each cause.
func noDeadLetterIsOpen(_ context.Context, s *Scene) ([]Objection, error) {
	causes := map[string]int{}
	var objections []Objection
	for _, d := range s.Evidence.DeadLetters {
		causes[d.Cause]++
		if d.State == string(deadletter.Open) {
			objections = append(objections, object("no dead letter is open", d.PaymentID, "one of the cause %s is", d.Cause))
		}
	}
	for _, cause := range []deadletter.Cause{deadletter.CauseUnreadable, deadletter.CauseRefused, deadletter.CauseUnknownOutcome} {
		if causes[string(cause)] == 0 {
			objections = append(objections, object("no dead letter is open", "", "there was none of the cause %s, so nothing is shown", cause))
		}
	}
	s.remark("dead letters by cause: %v", causes)
	return objections, nil
}

// auditNamesEachAction: the audit has an entry of the operator for each thing that was done.
func auditNamesEachAction(ctx context.Context, s *Scene) ([]Objection, error) {
	out, err := s.Operate(ctx, "onlywave", "audit", "list", "--actor", onCall, "--limit", "1000")
	if err != nil {
		return nil, err
	}
	var objections []Objection
	for action, least := range map[string]int{
		"payment.hold": 1, "payment.release": 1, "payment.retry": parkedLeast / 2, "payment.settle": len(s.shift.charged) + len(s.shift.uncharged),
		"dead_letter.discard": len(s.poison), "redrive.start": 1, "key.create": 1, "key.revoke": 1,
	} {
		if n := strings.Count(out, " "+action+" "); n < least {
			objections = append(objections, object("the audit has each action", "", "%d entries of %s, at least %d were expected", n, action, least))
		}
	}
	s.remark("%d commands of the operator", s.shift.commands)
	return objections, nil
}
