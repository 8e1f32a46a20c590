package api

import "github.com/onlywave/onlywave/internal/payment"

func readPix(from MethodRequest, to *payment.Method) { to.ExpiresIn = from.ExpiresIn }

func showPix(p payment.Payment, v *Method) {
	v.CopyPaste, v.QrCode, v.TicketURL = p.Instructions.QRCode, p.Instructions.QRCode, p.Instructions.TicketURL
	v.ExpiresAt, v.EndToEndID = p.Instructions.ExpiresAt.UTC(), p.Instructions.EndToEndID
}
