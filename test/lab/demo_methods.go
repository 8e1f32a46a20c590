package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/onlywave/onlywave/test/platform"
)

// paid is what a client app reads of a payment that it gives back, captures, or whose boleto is paid early.
type paid struct {
	platform.Payment
	AmountRefunded int64 `json:"amount_refunded"`
	AmountCaptured int64 `json:"amount_captured"`
	Method         struct {
		DigitableLine string `json:"digitable_line"`
	} `json:"method"`
}

func (s *story) read(ctx context.Context, id string) (p paid, err error) {
	return p, s.Shops[0].Read(ctx, "/v1/payments/"+id, &p)
}

// begin posts an order, and expects a status.
func (s *story) begin(ctx context.Context, key, body, status string) (p paid, err error) {
	answer, err := s.Shops[0].Post(ctx, key, body)
	if err != nil {
		return p, err
	}
	if err := errors.Join(same("answer", answer.Status, http.StatusCreated), json.Unmarshal(answer.Body, &p)); err != nil {
		return p, fmt.Errorf("%w: %s", err, problem(answer))
	}
	return p, same("status", p.Status, status)
}

// giveBack refunds a part of the Pix, and repeats the request: the money goes back once.
func (s *story) giveBack(ctx context.Context) error {
	for range 2 {
		answer, err := s.Shops[0].Refund(ctx, s.payment.ID, s.key("back"), `{"amount": 450, "reason": "one item came back"}`)
		if err != nil {
			return err
		}
		if answer.Status != http.StatusCreated && answer.Status != http.StatusOK {
			return fmt.Errorf("the refund: %s", problem(answer))
		}
	}
	if _, err := s.Shops[0].Await(ctx, s.payment.ID, "partially_refunded"); err != nil {
		return err
	}
	p, err := s.read(ctx, s.payment.ID)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "  %s  R$ 4,50 of R$ 10,50 went back, once, although it was asked for twice\n", p.Status)
	return same("sum refunded", p.AmountRefunded, 450)
}

// card reserves the money of a card, and captures a part of it.
func (s *story) card(ctx context.Context) error {
	token, err := s.Provider.CardToken(ctx, "APRO")
	if err != nil {
		return err
	}
	key := s.key("card")
	p, err := s.begin(ctx, key, platform.Reserving(platform.CardOrder(20000, key, token, 1)), "authorized")
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "  payment     %s  %s: R$ 200,00 are reserved\n", p.ID, p.Status)
	answer, err := s.Shops[0].Order(ctx, p.ID, "capture", `{"amount": 15000}`)
	if err != nil {
		return err
	}
	if answer.Status != http.StatusOK {
		return fmt.Errorf("the capture: %s", problem(answer))
	}
	if p, err = s.read(ctx, p.ID); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "  %s    R$ 150,00 are captured, the rest is free again\n", p.Status)
	s.captured = p.Payment
	return errors.Join(same("status", p.Status, "approved"), same("sum captured", p.AmountCaptured, 15000), s.charges(ctx, p.ID, 1))
}

// chargeback lets the buyer's bank take the card's money back, and the seller win.
func (s *story) chargeback(ctx context.Context) error {
	id, err := s.Provider.OpenChargeback(ctx, s.captured.Provider.PaymentID)
	if err != nil {
		return err
	}
	if err := s.awaitDispute(ctx, "evidence_wanted"); err != nil {
		return err
	}
	fmt.Fprintln(s.out, "  charged_back  R$ 150,00 are in dispute, and documents are wanted (GET /v1/payments/{id}/disputes)")
	if err := s.Provider.EndChargeback(ctx, id, true); err != nil {
		return err
	}
	if err := s.awaitDispute(ctx, "won"); err != nil {
		return err
	}
	_, err = s.Shops[0].Await(ctx, s.captured.ID, "approved")
	fmt.Fprintln(s.out, "  approved      the dispute is won, and the money is back")
	return err
}

func (s *story) awaitDispute(ctx context.Context, status string) error {
	return s.until(ctx, "the dispute is "+status, func() (bool, error) {
		var disputes struct {
			Data []struct {
				Kind   string `json:"kind"`
				Status string `json:"status"`
				Amount int64  `json:"amount"`
			} `json:"data"`
		}
		err := s.Shops[0].Read(ctx, "/v1/payments/"+s.captured.ID+"/disputes", &disputes)
		if err != nil || len(disputes.Data) == 0 || disputes.Data[0].Status != status {
			return false, err
		}
		d := disputes.Data[0]
		return true, errors.Join(same("disputes", len(disputes.Data), 1), same("kind", d.Kind, "chargeback"), same("sum in dispute", d.Amount, 15000))
	})
}

// boleto is paid early, with its discount.
func (s *story) boleto(ctx context.Context) error {
	key := s.key("boleto")
	p, err := s.begin(ctx, key, platform.BoletoOrder(10000, 1000, key, "keep", time.Now()), "pending")
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "  line        %s\n  pay page    %s\n", p.Method.DigitableLine, p.Links.Pay)
	if err := errors.Join(same("digits of the line", len(p.Method.DigitableLine), 47), s.Provider.Pay(ctx, p.Provider.PaymentID)); err != nil {
		return err
	}
	if _, err := s.Shops[0].Await(ctx, p.ID, "approved"); err != nil {
		return err
	}
	fmt.Fprintln(s.out, "  approved    with its discount: R$ 90,00 came")
	var ledger struct {
		Data []struct {
			Account string `json:"account"`
			Amount  int64  `json:"amount"`
		} `json:"data"`
	}
	if err := s.Shops[0].Read(ctx, "/v1/payments/"+p.ID+"/ledger", &ledger); err != nil {
		return err
	}
	gross := int64(0)
	for _, e := range ledger.Data {
		if e.Account == "payable" {
			gross -= e.Amount
		}
	}
	return same("sum in the ledger", gross, 9000)
}

// checkout is paid on Mercado Pago's own page, at the second try. Each try is a payment of the one checkout.
func (s *story) checkout(ctx context.Context) error {
	key := s.key("checkout")
	answer, err := s.Shops[0].PostCheckout(ctx, key, platform.CheckoutOrder(15900, key))
	if err != nil {
		return err
	}
	var c platform.Checkout
	if err := errors.Join(same("answer", answer.Status, http.StatusCreated), json.Unmarshal(answer.Body, &c), same("status", c.Status, "open")); err != nil {
		return fmt.Errorf("%w: %s", err, problem(answer))
	}
	fmt.Fprintf(s.out, "  checkout    %s  %s\n  page        %s\n", c.ID, c.Status, c.Links.Pay)
	if _, err := s.Provider.Try(ctx, c.PreferenceID, "master", "OTHE"); err != nil {
		return err
	}
	if err := s.awaitAttempts(ctx, c.ID, "[rejected]"); err != nil {
		return err
	}
	fmt.Fprintln(s.out, "  rejected    the first card, and the checkout stays open")
	if _, err := s.Provider.Try(ctx, c.PreferenceID, "visa", "APRO"); err != nil {
		return err
	}
	if err := s.awaitAttempts(ctx, c.ID, "[approved rejected]"); err != nil {
		return err
	}
	if err := s.Shops[0].Read(ctx, "/v1/checkouts/"+c.ID, &c); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "  %s        by payment %s\n", c.Status, c.PaidBy)
	return same("status", c.Status, "paid")
}

// awaitAttempts waits until the payments of a checkout have these statuses, the newest first.
func (s *story) awaitAttempts(ctx context.Context, id, statuses string) error {
	return s.until(ctx, "the attempts are "+statuses, func() (bool, error) {
		page, err := s.Shops[0].List(ctx, "checkout="+id)
		var found []string
		for _, p := range page.Data {
			found = append(found, p.Status)
		}
		return fmt.Sprint(found) == statuses, err
	})
}
