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
	due               time.Time
	held              bool
	attention         bool // a person should look
}

// startAttributes are known when a creation starts a run; describe completes them.
func startAttributes(c payment.Creation) temporal.SearchAttributes {
	return temporal.NewSearchAttributes(
		attrStatus.ValueSet(string(payment.Processing)), attrMethod.ValueSet(string(c.Request.Method.Type)),
		attrClient.ValueSet(c.ClientID), attrAmount.ValueSet(c.Request.Amount.Centavos), attrAsked.ValueSet(true))
}

// describe brings the search attributes and the Web UI's current details up to date.
func (p *mailbox) describe(ctx workflow.Context) error {
	if !p.state.Found {
		return nil
	}
	workflow.SetCurrentDetails(ctx, p.details())
	now := searched{status: p.state.Status, providerPaymentID: p.state.ProviderPaymentID, deadLetter: p.openCause(ctx)}
	if p.tells() {
		now.due, now.held, now.attention = p.state.ExpiresAt.UTC(), p.held(), now.deadLetter != "" || p.refundLasts(ctx)
	}
	if p.in.Creation != nil && p.searched == (searched{}) {
		p.searched.status = payment.Processing // as startAttributes said
	}
	if now == p.searched {
		return nil
	}
	updates := append(p.attributes(now), p.told(now)...)
	p.searched = now
	return workflow.UpsertTypedSearchAttributes(ctx, updates...)
}

// attributes are those that every run has.
func (p *mailbox) attributes(now searched) []temporal.SearchAttributeUpdate {
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
	return updates
}

// tells says whether this run has the search attributes that came later. No version gate is needed: the results of activities as they
// were before have no time of the newest event.
func (p *mailbox) tells() bool { return !p.state.Since.IsZero() }

// told are the search attributes that came later, as far as they change.
func (p *mailbox) told(now searched) (updates []temporal.SearchAttributeUpdate) {
	if !p.tells() {
		return nil
	}
	if now.attention != p.searched.attention {
		updates = append(updates, attentionAttribute(now.attention))
	}
	if now.due != p.searched.due {
		updates = append(updates, attrDue.ValueSet(now.due))
	}
	if now.held != p.searched.held {
		updates = append(updates, holdAttribute(now.held))
	}
	return updates
}

// deadLetterAttribute finds the runs that wait for a person.
func deadLetterAttribute(cause deadletter.Cause) temporal.SearchAttributeUpdate {
	if cause == "" {
		return attrDeadLetter.ValueUnset()
	}
	return attrDeadLetter.ValueSet(string(cause))
}

// An attribute that says no is absent, so that ordinary payments do not have it.
func attentionAttribute(needed bool) temporal.SearchAttributeUpdate {
	if !needed {
		return attrNeedsAttention.ValueUnset()
	}
	return attrNeedsAttention.ValueSet(true)
}

func holdAttribute(held bool) temporal.SearchAttributeUpdate {
	if !held {
		return attrHold.ValueUnset()
	}
	return attrHold.ValueSet("held")
}

// checkoutAttributes are those of a checkout's run. Its attempts have their own.
func checkoutAttributes(c payment.CheckoutCreation) temporal.SearchAttributes {
	return temporal.NewSearchAttributes(attrClient.ValueSet(c.ClientID), attrAmount.ValueSet(c.Request.Amount.Centavos))
}
