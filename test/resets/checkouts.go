package resets

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"

	"github.com/onlywave/onlywave/activities"
	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/test/platform"
	"github.com/onlywave/onlywave/workflows"
)

// tried is a buyer's attempt at a checkout of its own; none: the recorded payment was no attempt.
type tried struct {
	checkout   payment.Checkout
	providerID string
	status     string // Mercado Pago's
}

// ofCheckout says whether the recorded payment was an attempt at a checkout.
func (s story) ofCheckout() bool { return s.input.Creation != nil && s.input.Creation.Attempt != nil }

// tryAgain makes the recorded attempt at the simulator, if the payment was one.
func (p *player) tryAgain(ctx context.Context, old story, key string) (tried, error) {
	if !old.ofCheckout() {
		return tried{}, nil
	}
	from := old.input.Creation.Request
	c, err := p.openCheckout(ctx, key, payment.CheckoutRequest{
		Amount: from.Amount, Description: from.Description, Reference: from.Reference, Email: from.Payer.Email,
	}.Normalized(), time.Now())
	if err != nil {
		return tried{}, err
	}
	t := tried{checkout: c, status: "pending"}
	method, holder := "pix", ""
	if old.provider != nil && old.provider.Status == payment.Rejected {
		t.status, method, holder = "rejected", "master", "OTHE"
	}
	t.providerID, err = p.Provider.Try(ctx, c.PreferenceID, method, holder)
	return t, err
}

// openCheckout stores a checkout with its page at the simulator.
func (p *player) openCheckout(ctx context.Context, key string, request payment.CheckoutRequest, at time.Time) (payment.Checkout, error) {
	c := payment.Checkout{
		ID: payment.NewCheckoutID(clientApp, key), ClientID: clientApp, IdempotencyKey: key, Fingerprint: request.Fingerprint(),
		CheckoutRequest: request, CreatedAt: at.Truncate(time.Microsecond), UpdatedAt: at,
	}
	c, _, err := p.database.OpenCheckout(ctx, c)
	if err != nil {
		return c, fmt.Errorf("open a checkout: %w", err)
	}
	page := c
	page.CreatedAt = time.Now() // the recorded time to pay may be over
	made, err := p.provider.MakePreference(ctx, page)
	if err != nil {
		return c, err
	}
	return p.database.MakeCheckout(ctx, c.ID, made.ID, made.PayURL, at)
}

// checkedOut makes the checkout of a recorded run, as it was left. However often its run is reset, there is one page, it is paid once, and
// it ends as it did.
func (p *player) checkedOut(ctx context.Context, a attempt, run *common.WorkflowExecution, texts []string) ([]string, func(context.Context) ([]string, error), error) {
	var in workflows.CheckoutInput
	if err := read(a.recording.started().GetInput().GetPayloads(), &in); err != nil {
		return nil, nil, err
	}
	left, err := leftCheckout(a.recording)
	if err != nil {
		return nil, nil, err
	}
	key := fmt.Sprintf("reset-%d", a.number)
	id := payment.NewCheckoutID(clientApp, key)
	run.WorkflowId = workflows.CheckoutWorkflowID(id)
	texts = append(texts, in.CheckoutID, id, `"client_id":"shop"`, `"client_id":"demo"`,
		fmt.Sprintf(`"idempotency_key":%q`, in.Creation.IdempotencyKey), fmt.Sprintf(`"idempotency_key":%q`, key))
	at := in.AskedAt.Add(a.later())
	if err := p.leaveCheckout(ctx, key, in.Creation.Request, left, at); err != nil {
		return nil, nil, err
	}
	check := func(ctx context.Context) (wrong []string, err error) {
		c, err := p.database.Checkout(ctx, id)
		if err != nil {
			return nil, err
		}
		if c.Status != left {
			wrong = append(wrong, fmt.Sprintf("the checkout is %s, and was %s", c.Status, left))
		}
		pages, err := p.pages(ctx, id)
		if pages > 1 {
			wrong = append(wrong, fmt.Sprintf("the checkout has %d pages", pages))
		}
		return wrong, err
	}
	return texts, check, nil
}

// leaveCheckout brings a checkout to where the recorded run has left it.
func (p *player) leaveCheckout(ctx context.Context, key string, request payment.CheckoutRequest, to payment.CheckoutStatus, at time.Time) error {
	if to == payment.CheckoutFailed {
		c := payment.Checkout{
			ID: payment.NewCheckoutID(clientApp, key), ClientID: clientApp, IdempotencyKey: key, Fingerprint: request.Fingerprint(),
			CheckoutRequest: request, CreatedAt: at.Truncate(time.Microsecond), UpdatedAt: at,
		}
		if _, _, err := p.database.OpenCheckout(ctx, c); err != nil {
			return err
		}
		_, err := p.database.FailCheckout(ctx, c.ID, failure.CodeRefused, "refused", at)
		return err
	}
	c, err := p.openCheckout(ctx, key, request, at)
	if err != nil || to == payment.CheckoutOpen {
		return err
	}
	if to != payment.CheckoutPaid {
		_, err := p.database.EndCheckout(ctx, c.ID, to, at)
		return err
	}
	made, err := p.Provider.Try(ctx, c.PreferenceID, "account_money", "")
	if err == nil {
		err = p.product.Attach(ctx, c, made)
	}
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	for err == nil && c.Status != payment.CheckoutPaid {
		if !platform.Pause(ctx, 100*time.Millisecond) {
			return fmt.Errorf("checkout %s is not paid", c.ID)
		}
		c, err = p.database.Checkout(ctx, c.ID)
	}
	return err
}

// leftCheckout is how a recorded run has left its checkout.
func leftCheckout(r recording) (status payment.CheckoutStatus, err error) {
	for _, event := range r.run.GetEvents() {
		var result *common.Payloads
		switch event.GetEventType() {
		case enums.EVENT_TYPE_MARKER_RECORDED:
			if marker := event.GetMarkerRecordedEventAttributes(); marker.GetMarkerName() == "LocalActivity" && marker.GetFailure() == nil {
				result = marker.GetDetails()["result"]
			}
		case enums.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
			result = event.GetActivityTaskCompletedEventAttributes().GetResult()
		}
		var state activities.CheckoutState
		if err := read(result.GetPayloads(), &state); err != nil {
			return "", err
		}
		if state.Found {
			status = state.Status
		}
	}
	return status, nil
}

// pages is how many pages the simulator has of a checkout.
func (p *player) pages(ctx context.Context, checkoutID string) (int, error) {
	answer, err := platform.Send(ctx, nil, http.MethodGet, p.Provider.URL+"/checkout/preferences/search?external_reference="+url.QueryEscape(checkoutID), "",
		"Authorization", "Bearer "+p.Secrets()["access token"])
	if err != nil {
		return 0, err
	}
	var found struct {
		Elements []struct{} `json:"elements"`
	}
	err = answer.Decode(&found)
	return len(found.Elements), err
}
