package api

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// methods is the table of payment methods: which fields of a request each one has, and how it is read and shown. A new one is a line here,
// and a file.
var methods = map[payment.MethodType]struct {
	fields []string // of MethodRequest, beside its type
	read   func(MethodRequest, *payment.Method)
	show   func(payment.Payment, *Method)
}{
	payment.Pix:         {[]string{"expires_in"}, readPix, showPix},
	payment.Card:        {[]string{"expires_in", "token", "payment_method_id", "installments", "issuer_id", "statement_descriptor", "device_id", "capture", "three_d_secure", "customer_id"}, readCard, showCard},
	payment.Boleto:      {[]string{"due_date", "fine", "interest", "discount"}, readBoleto, showBoleto},
	payment.CheckoutPro: {nil, func(MethodRequest, *payment.Method) {}, showCheckoutPro},
}

// method is the domain's type. One that is not known has its type only.
func (m MethodRequest) method() payment.Method {
	method := payment.Method{Type: payment.MethodType(m.Type)}
	if read := methods[method.Type].read; read != nil {
		read(m, &method)
	}
	return method
}

// strange lists the fields that the method does not have. The contract has those of all methods in one object.
func (m MethodRequest) strange() (wrong failure.Fields) {
	how, known := methods[payment.MethodType(m.Type)]
	text, err := json.Marshal(m)
	var sent map[string]any
	if !known || err != nil || json.Unmarshal(text, &sent) != nil {
		return nil // the domain says what is wrong with the type
	}
	for _, name := range slices.Sorted(maps.Keys(sent)) {
		if name != "type" && !slices.Contains(how.fields, name) {
			wrong.Add("/method/"+name, "is not a field of the method "+string(m.Type)+"; remove it")
		}
	}
	return wrong
}

func methodView(p payment.Payment) Method {
	v := Method{Type: MethodType(p.Method.Type)}
	if show := methods[p.Method.Type].show; show != nil {
		show(p, &v)
	}
	return v
}
