package api

import "github.com/onlywave/onlywave/internal/payment"

func readBoleto(from MethodRequest, to *payment.Method) {
	to.Boleto = &payment.BoletoMethod{
		DueDate: from.DueDate, Fine: from.Fine.BasisPoints, Interest: from.Interest.BasisPoints,
		Discount: payment.Discount{Amount: from.Discount.Amount, Until: from.Discount.Until},
	}
}

func showBoleto(p payment.Payment, v *Method) {
	v.DueDate, v.ExpiresAt = p.DueDate(), p.Instructions.ExpiresAt.UTC()
	v.DigitableLine, v.Barcode, v.PdfURL = p.Instructions.DigitableLine, p.Instructions.Barcode, p.Instructions.TicketURL
	v.AmountPaid, v.AmountOverpaid = p.Instructions.AmountPaid, p.Instructions.Overpaid
	if b := p.Method.Boleto; b != nil {
		v.Fine.BasisPoints, v.Interest.BasisPoints = b.Fine, b.Interest
		v.Discount = Discount{Amount: b.Discount.Amount, Until: b.Discount.Until}
	}
}
