package workflows

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/payment"
)

// The search attributes of a payment's runs. They are stored in clear and copied around: no personal
// data, ever.
var (
	attrStatus            = temporal.NewSearchAttributeKeyKeyword("PaymentStatus")
	attrMethod            = temporal.NewSearchAttributeKeyKeyword("PaymentMethod")
	attrClient            = temporal.NewSearchAttributeKeyKeyword("PaymentClient")
	attrProviderPaymentID = temporal.NewSearchAttributeKeyKeyword("ProviderPaymentID")
	attrAmount            = temporal.NewSearchAttributeKeyInt64("PaymentAmount") // centavos
	attrDeadLetter        = temporal.NewSearchAttributeKeyKeyword("DeadLetterCause")
	attrNeedsAttention    = temporal.NewSearchAttributeKeyBool("PaymentNeedsAttention") // a person should look at it
	attrDue               = temporal.NewSearchAttributeKeyTime("PaymentDue")            // until when it is to be paid
	attrHold              = temporal.NewSearchAttributeKeyKeyword("PaymentHold")        // "held"; absent: not held
	attrAsked             = temporal.NewSearchAttributeKeyBool("PaymentAsked")          // the run knows what was asked for, and can write a lost row anew
)

var attributes = []temporal.SearchAttributeKey{attrStatus, attrMethod, attrClient, attrProviderPaymentID, attrAmount, attrDeadLetter,
	attrNeedsAttention, attrDue, attrHold, attrAsked}

// SearchAttributes names the search attributes that a namespace must have, with their types.
func SearchAttributes() map[string]string {
	types := map[string]string{}
	for _, key := range attributes {
		types[key.GetName()] = key.GetValueType().String()
	}
	return types
}

// AddSearchAttributes makes the search attributes known to a namespace, those that are not yet, and
// waits until Temporal takes them: its servers read them anew once a minute.
func AddSearchAttributes(ctx context.Context, c client.Client, namespace string) error {
	known, err := c.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	if _, ok := errors.AsType[*serviceerror.NamespaceNotFound](err); ok {
		return fmt.Errorf("there is no namespace %q in Temporal; make it first: "+
			"temporal operator namespace create --namespace %[1]s --retention 168h", namespace)
	}
	if err != nil {
		return interpret("list Temporal's search attributes", err)
	}
	missing := map[string]enums.IndexedValueType{}
	for _, key := range attributes {
		if _, ok := known.GetCustomAttributes()[key.GetName()]; !ok {
			missing[key.GetName()] = key.GetValueType()
		}
	}
	if len(missing) == 0 {
		return nil
	}
	_, err = c.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
		Namespace: namespace, SearchAttributes: missing,
	})
	if err != nil {
		return interpret("add Temporal's search attributes", err)
	}
	for name := range missing {
		if err := awaitSearchable(ctx, c, name); err != nil {
			return err
		}
	}
	return nil
}

func awaitSearchable(ctx context.Context, c client.Client, name string) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		_, err := c.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: name + " is null"})
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return interpret("wait for Temporal's search attributes", err)
		case <-tick.C:
		}
	}
}

// searched is what a run's search attributes say.
type searched struct {
	status            payment.Status
	providerPaymentID string
	deadLetter        deadletter.Cause
}

// startAttributes are known when a creation starts a run; describe completes them.
func startAttributes(c payment.Creation) temporal.SearchAttributes {
	return temporal.NewSearchAttributes(
		attrStatus.ValueSet(string(payment.Processing)), attrMethod.ValueSet(string(c.Request.Method.Type)),
		attrClient.ValueSet(c.ClientID), attrAmount.ValueSet(c.Request.Amount.Centavos), attrAsked.ValueSet(true))
}

// describe brings the search attributes and the Web UI's current details up to date, when they are not.
func (p *mailbox) describe(ctx workflow.Context) error {
	if !p.state.Found {
		return nil
	}
	now := searched{p.state.Status, p.state.ProviderPaymentID, p.openCause(ctx)}
	if p.in.Creation != nil && p.searched == (searched{}) {
		p.searched.status = payment.Processing // as startAttributes said
	}
	if now == p.searched {
		return nil
	}
	workflow.SetCurrentDetails(ctx, p.details())
	updates := []temporal.SearchAttributeUpdate{attrStatus.ValueSet(string(now.status))}
	if now.providerPaymentID != "" {
		updates = append(updates, attrProviderPaymentID.ValueSet(now.providerPaymentID))
	}
	if now.deadLetter != p.searched.deadLetter {
		updates = append(updates, deadLetterAttribute(now.deadLetter))
	}
	if p.in.Creation == nil {
		updates = append(updates, attrMethod.ValueSet(string(p.state.Method)),
			attrClient.ValueSet(p.state.ClientID), attrAmount.ValueSet(p.state.Money.Centavos))
	}
	p.searched = now
	return workflow.UpsertTypedSearchAttributes(ctx, updates...)
}

// deadLetterAttribute finds the runs that wait for a person.
func deadLetterAttribute(cause deadletter.Cause) temporal.SearchAttributeUpdate {
	if cause == "" {
		return attrDeadLetter.ValueUnset()
	}
	return attrDeadLetter.ValueSet(string(cause))
}

func (p *mailbox) details() string {
	text := fmt.Sprintf("**%s** · %s by %s", p.state.Status, p.state.Money, p.state.Method)
	if p.state.ProviderPaymentID != "" {
		text += "  \nMercado Pago payment " + p.state.ProviderPaymentID
	}
	if !p.state.ExpiresAt.IsZero() {
		text += "  \nto be paid until " + p.state.ExpiresAt.UTC().Format(time.RFC3339)
	}
	switch {
	case p.state.Status == payment.Unknown && p.searching():
		text += "  \nrefused after an attempt whose answer is lost; searched for until " + p.refused.at.Add(believedAfter).UTC().Format(time.RFC3339) + " before that is believed"
	case p.state.Status == payment.Unknown:
		text += "  \n**Dead letter**: " + deadletter.CauseUnknownOutcome.Advice()
	}
	return text
}

// View answers the query: what the mailbox knows and waits for.
type View struct {
	Status            payment.Status `json:"status"`
	Money             payment.Money  `json:"money"`
	ProviderPaymentID string         `json:"provider_payment_id,omitempty"`
	ExpiresAt         time.Time      `json:"expires_at,omitzero"`
	NextPoll          time.Time      `json:"next_poll,omitzero"`
	Polls             int            `json:"polls"`
	SignalsWaiting    int            `json:"nudges_waiting"`
}

func (p *mailbox) view() (View, error) {
	return View{
		Status: p.state.Status, Money: p.state.Money, ProviderPaymentID: p.state.ProviderPaymentID,
		ExpiresAt: p.state.ExpiresAt, NextPoll: p.due(), Polls: p.looks,
		SignalsWaiting: p.signals.Len(),
	}, nil
}
