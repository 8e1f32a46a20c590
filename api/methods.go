package api

import "github.com/onlywave/onlywave/internal/payment"

// methods is the table of payment methods: how each one is read from a request, and shown. A new one is a line here, and a file.
var methods = map[payment.MethodType]struct {
	read func(MethodRequest, *payment.Method)
	show func(payment.Payment, *Method)
}{
	payment.Pix: {readPix, showPix},
}

// method is the domain's type. One that is not known has its type only.
func (m MethodRequest) method() payment.Method {
	method := payment.Method{Type: payment.MethodType(m.Type)}
	if read := methods[method.Type].read; read != nil {
		read(m, &method)
	}
	return method
}

func methodView(p payment.Payment) Method {
	v := Method{Type: MethodType(p.Method.Type)}
	if show := methods[p.Method.Type].show; show != nil {
		show(p, &v)
	}
	return v
}
