package drills

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/load"
	"github.com/onlywave/onlywave/test/platform"
	"github.com/onlywave/onlywave/test/simulator"
)

// operations are drills on refunds and cancels: whatever happens to one, it has one effect.
var operations = []Drill{{
	Name: "operations", Shows: "Of 50 identical refunds or cancels at once one has an effect, although answers are lost, a worker and Postgres' primary are killed meanwhile, and all runs are reset afterwards.",
	Replicas: true, Lasts: 12 * time.Second, Refund: 0.7, Cancel: 0.15,
	Strike: []Act{arm(refundsFail...), preparePayments, atOnce(fiftyOfEach, inTurn(shortly, killOneWorker), inTurn(shortly, losePrimary))},
	Heal:   []Act{disarm, atOnce(restartTheWorker, restartTheLostPostgres)}, After: []Act{resetRuns},
	Expect: []Expectation{everyClientIsAnswered, fiftyHadOneEffect},
}, {
	Name: "random-operations", Shows: "Of 2,000 payments with random operations and random faults, each has the same money on all sides, and none is left in a state that nobody moves.",
	Rate: 4, Lasts: 486 * time.Second, Refund: 0.6, Cancel: 0.15, Panel: 0.2,
	Strike: []Act{arm(slices.Concat(refundsFail, randomFaults)...)}, Heal: []Act{disarm}, After: []Act{payLate},
	Expect: []Expectation{everyClientIsAnswered, everyOperationIsDrawn},
}}

// refundsFail are faults of refunds and cancels.
var refundsFail = []simulator.Fault{
	{On: simulator.CreateRefund, Kind: simulator.KindLostAnswer, Rate: 0.15},
	{On: simulator.CreateRefund, Kind: simulator.KindErrorAfter, Status: http.StatusBadGateway, Rate: 0.1},
	{On: simulator.CreateRefund, Kind: simulator.KindError, Status: http.StatusInternalServerError, Rate: 0.1},
	{On: simulator.CreateRefund, Kind: simulator.KindInProcess, Delay: 4 * time.Second, Rate: 0.15},
	{On: simulator.CreateRefund, Kind: simulator.KindRefundFails, Delay: 3 * time.Second, Rate: 0.1},
	{On: simulator.CreateRefund, Kind: simulator.KindError, Status: http.StatusBadRequest, Code: 2031, Rate: 0.05},
	{On: simulator.Update, Kind: simulator.KindPaidMeanwhile, Rate: 0.4},
	{On: simulator.Update, Kind: simulator.KindErrorAfter, Status: http.StatusBadGateway, Rate: 0.3},
}

// randomFaults are faults of everything else.
var randomFaults = []simulator.Fault{
	{On: simulator.Create, Kind: simulator.KindErrorAfter, Rate: 0.03},
	{On: simulator.Create, Kind: simulator.KindError, Status: http.StatusServiceUnavailable, Rate: 0.03},
	{On: simulator.Get, Kind: simulator.KindError, Status: http.StatusInternalServerError, Rate: 0.03},
	{On: simulator.Webhook, Kind: simulator.KindDoubled, Count: 2, Rate: 0.1},
	{On: simulator.Webhook, Kind: simulator.KindLate, Delay: 2 * time.Second, Rate: 0.1},
	{On: simulator.Webhook, Kind: simulator.KindReordered, Rate: 0.05},
	{On: simulator.Webhook, Kind: simulator.KindLost, Rate: 0.05},
}

// inTurn does the acts one after another.
func inTurn(acts ...Act) Act {
	return func(ctx context.Context, s *Scene) error { return inOrder(ctx, s, acts) }
}

// same is one request of which many are sent.
type same struct {
	payment    platform.Payment
	paid       bool   // before
	path, body string // of the request
	refunds    int    // that the provider makes of it
}

// preparePayments makes a payment for each kind of request.
func preparePayments(ctx context.Context, s *Scene) error {
	s.same = []same{
		{paid: true, path: "/refunds", body: `{"amount": 400}`, refunds: 1},
		{paid: true, path: "/refunds", body: `{"all": true}`, refunds: 1},
		{path: "/cancel", body: `{"on_paid": "keep"}`},
		{path: "/cancel", body: `{"on_paid": "refund"}`, refunds: 1},
	}
	shop := s.entrances()[0]
	for i := range s.same {
		r := &s.same[i]
		p, err := shop.Create(ctx, fmt.Sprintf("%s-same-%d", s.Drill.Name, i), 1050)
		if err == nil && p.Provider.PaymentID == "" {
			p, err = shop.Await(ctx, p.ID, string(payment.Pending))
		}
		if err == nil && r.paid {
			if err = s.Provider.Pay(ctx, p.Provider.PaymentID); err == nil {
				p, err = shop.Await(ctx, p.ID, string(payment.Approved))
			}
		}
		if err != nil {
			return err
		}
		r.payment = p
	}
	// The first fault that applies counts: these payments have their own.
	if err := s.Provider.Disarm(ctx); err != nil {
		return err
	}
	faults := []simulator.Fault{{On: simulator.Update, Kind: simulator.KindPaidMeanwhile, Times: 1, ExternalReference: s.same[3].payment.ID}}
	for _, r := range s.same {
		faults = append(faults, simulator.Fault{On: simulator.CreateRefund, Kind: simulator.KindLostAnswer, Times: 2, ExternalReference: r.payment.ID})
	}
	return s.Provider.Arm(ctx, append(faults, refundsFail...)...)
}

const sameAtOnce = 50

// fiftyOfEach sends each request fifty times at once, each repeated until it is answered for good.
func fiftyOfEach(ctx context.Context, s *Scene) error {
	group, ctx := errgroup.WithContext(ctx)
	shop := s.entrances()[0]
	for i, r := range s.same {
		for range sameAtOnce {
			group.Go(func() error {
				for {
					answer, err := platform.Send(ctx, shop.HTTP, http.MethodPost, shop.URL+"/v1/payments/"+r.payment.ID+r.path, r.body,
						"Authorization", "Bearer "+shop.Key, "Idempotency-Key", fmt.Sprint("same-", i), "Content-Type", "application/json")
					if err == nil && answer.Status < 500 && answer.Status != http.StatusTooManyRequests {
						return nil
					}
					if !platform.Pause(ctx, 300*time.Millisecond) {
						return ctx.Err()
					}
				}
			})
		}
	}
	return group.Wait()
}

func restartTheLostPostgres(ctx context.Context, s *Scene) error {
	return restart(s.lost.postgres)(ctx, s)
}

// resetRuns resets every ended run of a payment to its beginning, with the signals and updates after it.
func resetRuns(ctx context.Context, s *Scene) error {
	query := `WorkflowType = "Payment" and ExecutionStatus = "Completed" and StartTime >= "` + s.Began.UTC().Format(time.RFC3339) + `"`
	return s.batch(ctx, "workflow", "reset", "--type", "FirstWorkflowTask", "--query", query, "--reason", "drill", "--yes")
}

// fiftyHadOneEffect: the provider has made as many refunds of each payment as one request asks for.
func fiftyHadOneEffect(ctx context.Context, s *Scene) (objections []Objection, err error) {
	for _, r := range s.same {
		ledger, err := s.Provider.Ledger(ctx, r.payment.ID)
		if err != nil {
			return nil, err
		}
		made := map[string]bool{}
		for _, e := range ledger {
			if e.Refund != nil {
				made[e.Refund.ID] = true
			}
		}
		if len(made) != r.refunds {
			objections = append(objections, object("many identical requests have one effect", r.payment.ID, "%s %s made %d refunds", r.path, r.body, len(made)))
		}
	}
	return objections, nil
}

// refundsAreTakenAtOnce: each refund was answered 201 or 202 the first time.
func refundsAreTakenAtOnce(_ context.Context, s *Scene) ([]Objection, error) {
	var objections []Objection
	count := 0
	for _, i := range s.Log.Intents {
		for _, r := range i.Refunds {
			if len(r.Codes) == 0 {
				continue
			}
			count++
			if code := r.Codes[0]; code != http.StatusCreated && code != http.StatusAccepted {
				objections = append(objections, object("refunds are taken at once", i.PaymentID, "%s got %v", r.Key, r.Codes))
			}
		}
	}
	s.remark("%d refunds, all answered at once but %d", count, len(objections))
	if count == 0 {
		objections = append(objections, object("refunds are taken at once", "", "none was asked for, so nothing is shown"))
	}
	return objections, nil
}

// payLate pays half of the payments that have ended unpaid. One that was paid meanwhile is left out.
func payLate(ctx context.Context, s *Scene) error {
	for _, i := range s.Log.Intents {
		if i.Acted && (i.Buyer == load.LetsExpire || i.Buyer == load.Cancels) && s.Random.IntN(2) == 0 && s.Provider.PayLate(ctx, i.ProviderPaymentID) == nil {
			s.late++
		}
	}
	return ctx.Err()
}

// everyOperationIsDrawn: the load has had each operation, each with each end.
func everyOperationIsDrawn(_ context.Context, s *Scene) ([]Objection, error) {
	refunds, failed, panel, late, cancels, captures := 0, 0, 0, 0, 0, 0
	for _, o := range s.Evidence.Operations {
		switch outcome := payment.Outcome(o.Outcome); {
		case o.Kind == string(payment.Cancel):
			cancels++
		case o.Kind == string(payment.Capture) && outcome == payment.OutcomeDone:
			captures++
		case o.Kind != string(payment.Refund):
		case o.Origin == string(payment.FromProvider):
			panel++
		case outcome == payment.OutcomeRefused:
			failed++
		case o.ProviderKey == payment.RefundID(o.PaymentID, payment.LateRefund().IdempotencyKey):
			late++
		default:
			refunds++
		}
	}
	parts, voids := 0, 0
	for _, i := range s.Log.Intents {
		if i.Captured() && i.Capture < i.Amount {
			parts++
		}
		if i.Reserve && i.Finished && i.Capture == 0 {
			voids++
		}
	}
	counts := fmt.Sprintf("%d refunds succeeded, %d failed, %d were made in the panel; %d cancels, %d of them of reserved money; %d captures, %d of them of a part; %d were paid late, %d of them refunded",
		refunds, failed, panel, cancels, voids, captures, parts, s.late, late)
	s.remark("%s", counts)
	if min(refunds, failed, panel, cancels, voids, captures, parts, s.late, late) == 0 {
		return []Objection{object("every operation is drawn", "", "%s", counts)}, nil
	}
	return nil, nil
}
