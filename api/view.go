package api

import (
	"time"

	"github.com/onlywave/onlywave/internal/mercadopago"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/internal/qrcode"
	"github.com/onlywave/onlywave/workflows"
)

// creation is the body as the domain's types, normalized.
func (b PaymentRequest) creation() payment.Creation {
	return payment.Creation{Request: b.request().Normalized(), Secrets: payment.CardSecrets{Token: b.Method.Token, DeviceID: b.Method.DeviceID}}
}

// request is what is stored of the body.
func (b PaymentRequest) request() payment.Request {
	return payment.Request{
		Amount:      payment.Money{Centavos: b.Amount, Currency: string(b.Currency)},
		Description: b.Description,
		Reference:   b.Reference,
		Method:      b.Method.method(),
		Payer: payment.Payer{
			Email: b.Payer.Email, Name: b.Payer.Name, TaxID: b.Payer.TaxID,
			NotifyBy: string(b.Payer.NotifyBy), Language: payment.Language(b.Payer.Language),
			Address: b.Payer.Address.address(),
		},
		Metadata: b.Metadata, LatePayment: payment.LatePayment(b.LatePayment),
	}
}

func (a Address) address() payment.Address {
	return payment.Address{ZipCode: a.ZipCode, Street: a.Street, Number: a.Number, Neighborhood: a.Neighborhood, City: a.City, State: a.State}
}

// view is a payment as lists show it.
func (s *Server) view(p payment.Payment) Payment {
	v := Payment{
		ID:             p.ID,
		Status:         Status(p.Status),
		Failure:        failureView(p.Why()),
		Rejection:      rejectionView(p.Rejected()),
		Amount:         p.Amount.Centavos,
		AmountCaptured: p.Captured,
		AmountRefunded: p.Refunded,
		Currency:       Currency(p.Amount.Currency),
		Description:    p.Description,
		Reference:      p.Reference,
		Method:         methodView(p),
		Provider: Provider{
			Name: p.Provider.Name, API: p.Provider.API, PaymentID: p.Provider.PaymentID,
			Status: p.Provider.Status, StatusDetail: p.Provider.StatusDetail,
		},
		Checkout:  p.CheckoutID,
		Metadata:  p.Metadata,
		Version:   p.Version,
		CreatedAt: p.CreatedAt,
		UpdatedAt: p.UpdatedAt,
		Links: Links{
			Self: s.config.PublicURL + "/v1/payments/" + p.ID, Temporal: s.temporalLink(workflows.WorkflowID(p.ID)),
		},
	}
	if s.config.PayLinks != nil {
		v.Links.Pay = s.config.PayLinks.URL(p)
	}
	if _, err := p.CodeToPay(time.Now()); err == nil {
		v.Method.QrCodeURL = v.Links.Self + "/qrcode.png"
	}
	return v
}

// fullView adds the image of the QR code. When it cannot be drawn the code is shown as text only.
func (s *Server) fullView(p payment.Payment) Payment {
	v := s.view(p)
	if p.Instructions.QRCode == "" {
		return v
	}
	image, err := qrcode.PNG(p.Instructions.QRCode)
	if err != nil {
		s.config.Log.Error("QR code not drawn", "payment_id", p.ID, "error", err)
	}
	v.Method.QrCodeBase64 = image
	return v
}

func eventView(e payment.Event) Event {
	return Event{
		ID: e.ID(), Type: e.Type(), PaymentID: e.PaymentID, Seq: e.Seq, Status: Status(e.Status), At: e.At,
		Data: EventData{
			Amount: e.Data.Amount, AmountCaptured: e.Data.AmountCaptured, AmountRefunded: e.Data.AmountRefunded, Failure: failureView(e.Why()), Rejection: rejectionView(e.Rejected()),
			ProviderPaymentID: e.Data.ProviderPaymentID, ProviderStatus: e.Data.ProviderStatus,
			StatusDetail: e.Data.StatusDetail, EndToEndID: e.Data.EndToEndID, Surprising: e.Data.Surprising, Late: e.Data.Late, Refund: eventRefund(e.Data.Refund), Settlement: eventSettlement(e.Data.Settlement),
			Dispute: eventDispute(e.Data.Dispute), Checkout: eventCheckout(e.Data.Checkout),
		},
	}
}

func eventRefund(r *payment.EventRefund) EventRefund {
	if r == nil {
		return EventRefund{}
	}
	return EventRefund{ID: r.ID, Amount: r.Amount, Status: string(r.Status)}
}

func failureView(why *payment.FailureReason) Failure {
	if why == nil {
		return Failure{}
	}
	return Failure{Code: string(why.Code), Message: why.Message, Pointer: why.Pointer}
}

func eventSettlement(s *payment.Settlement) EventSettlement {
	if s == nil {
		return EventSettlement{}
	}
	return EventSettlement{Amount: s.Amount}
}

// rejectionView is there for rejected payments, and for those whose buyer may enter another card.
func rejectionView(detail string, rejected bool) Rejection {
	if !rejected {
		return Rejection{}
	}
	r, _ := mercadopago.RejectionOf(detail)
	return Rejection{Reason: string(r.Reason), Advice: RejectionAdvice(r.Advice), Text: r.English, TextPtBr: r.Portuguese}
}
