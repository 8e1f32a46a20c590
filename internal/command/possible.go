package command

import (
	"fmt"
	"time"

	"github.com/onlywave/onlywave/internal/payment"
)

// Age is how long a payment must have been unknown before it may be settled as failed: the provider's search needs time to find a charge.
const Age = 10 * time.Minute

// Option is an operator's command on one payment at one time.
type Option struct {
	Entry
	Possible bool
	WhyNot   Text // when it is not possible
	Would    Text // what it would do, when it is possible
	// After is when it becomes possible by itself; zero: that is not known.
	After time.Time
}

// Possible says of each operator's command whether it may be ordered now, why not, and what it would do. The payment's workflow decides
// with the same rules, so the answer differs only if the payment changes meanwhile.
func Possible(p payment.Payment, h payment.Hold, now time.Time) []Option {
	var options []Option
	for _, e := range Operators() {
		options = append(options, Check(e.Name, p, h, now))
	}
	return options
}

// Check is Possible for one command.
func Check(name Name, p payment.Payment, h payment.Hold, now time.Time) Option {
	e, _ := Find(name)
	o := Option{Entry: e}
	s := situation{p, h, now}
	switch name {
	case Look:
		o.WhyNot, o.Would = s.look()
	case Retry:
		o.WhyNot, o.Would = s.retry()
	case Hold:
		o.WhyNot, o.Would = s.hold()
	case Release:
		o.WhyNot, o.Would = s.release()
	case GiveUp:
		o.WhyNot, o.Would = s.giveUp()
	case Capture:
		o.WhyNot, o.Would = s.capture()
	case Cancel:
		o.WhyNot, o.Would = s.cancel()
	case Refund:
		o.WhyNot, o.Would = s.refund()
	case Settle:
		o.WhyNot, o.Would, o.After = s.settle()
	default:
		o.WhyNot = Text{"operators cannot order it", "operadores não podem pedir isso"}
	}
	o.Possible = o.WhyNot == Text{}
	if !o.Possible {
		o.Would = Text{}
	}
	return o
}

type situation struct {
	payment.Payment
	payment.Hold
	now time.Time
}

func (s situation) look() (whyNot, would Text) {
	if s.Held(s.now) {
		return s.releaseFirst(), Text{}
	}
	return Text{}, Text{
		"asks Mercado Pago for the payment and takes its status",
		"consulta o pagamento no Mercado Pago e adota o status de lá",
	}
}

func (s situation) retry() (whyNot, would Text) {
	if s.Held(s.now) {
		return s.releaseFirst(), Text{}
	}
	if s.Status == payment.Processing {
		return Text{}, Text{
			"makes the next attempt to charge now, with the same idempotency key",
			"faz agora a próxima tentativa de cobrança, com a mesma chave de idempotência",
		}
	}
	return Text{}, Text{
		"makes the attempt that waits now, or asks Mercado Pago for the payment",
		"faz agora a tentativa que espera, ou consulta o pagamento no Mercado Pago",
	}
}

func (s situation) hold() (whyNot, would Text) {
	if !s.Status.Open() {
		return s.only("only an open payment can be held", "só um pagamento em aberto pode ser retido"), Text{}
	}
	return Text{}, Text{
		"stops all calls to Mercado Pago for the payment until it is released, for 24 hours unless another end is given",
		"para todas as chamadas ao Mercado Pago para o pagamento até que seja liberado, por 24 horas se nenhum outro fim for dado",
	}
}

func (s situation) release() (whyNot, would Text) {
	if !s.Held(s.now) {
		return Text{"the payment is not held", "o pagamento não está retido"}, Text{}
	}
	if s.Status == payment.Processing {
		return Text{}, Text{"ends the hold and goes on charging", "termina a retenção e continua a cobrança"}
	}
	return Text{}, Text{
		"ends the hold and asks Mercado Pago for the payment",
		"termina a retenção e consulta o pagamento no Mercado Pago",
	}
}

func (s situation) giveUp() (whyNot, would Text) {
	if s.Status != payment.Processing {
		return s.only("only a payment that is being charged can be given up", "só um pagamento que está sendo cobrado pode ser abandonado"), Text{}
	}
	return Text{}, Text{
		"ends the attempts to charge, searches Mercado Pago once more, and parks the payment as unknown unless Mercado Pago has it",
		"encerra as tentativas de cobrança, procura mais uma vez no Mercado Pago e deixa o pagamento como desconhecido se ele não estiver lá",
	}
}

func (s situation) capture() (whyNot, would Text) {
	switch {
	case !payment.Capture.PossibleFor(s.Status):
		return s.only("only an authorized payment can be captured", "só um pagamento autorizado pode ser capturado"), Text{}
	case s.Held(s.now):
		return s.releaseFirst(), Text{}
	}
	return Text{}, Text{
		"captures the reserved money, all of it or the sum that you ask for; the rest goes back to the buyer",
		"captura o dinheiro reservado, todo ou a quantia pedida; o resto volta para o comprador",
	}
}

func (s situation) cancel() (whyNot, would Text) {
	switch {
	case !payment.Cancel.PossibleFor(s.Status):
		return s.only("only a payment that waits for the buyer can be cancelled", "só um pagamento que espera o comprador pode ser cancelado"), Text{}
	case s.Held(s.now):
		return s.releaseFirst(), Text{}
	}
	return Text{}, Text{
		"closes the payment at Mercado Pago; if the buyer pays meanwhile, keeps the money or refunds it",
		"fecha o pagamento no Mercado Pago; se o comprador pagar nesse meio tempo, fica com o dinheiro ou o devolve",
	}
}

func (s situation) refund() (whyNot, would Text) {
	switch {
	case !payment.Refund.PossibleFor(s.Status):
		return s.only("only an approved payment can be refunded", "só um pagamento aprovado pode ser devolvido"), Text{}
	case s.Held(s.now):
		return s.releaseFirst(), Text{}
	}
	return Text{}, Text{
		"gives back the sum that you ask for, or all that is left",
		"devolve a quantia pedida, ou tudo o que resta",
	}
}

func (s situation) settle() (whyNot, would Text, after time.Time) {
	switch possible := s.UpdatedAt.Add(Age); {
	case s.Status != payment.Unknown:
		return s.only("only an unknown payment can be settled", "só um pagamento desconhecido pode ser encerrado"), Text{}, time.Time{}
	case s.Held(s.now):
		return s.releaseFirst(), Text{}, time.Time{}
	case s.now.Before(possible):
		at := possible.UTC().Format(time.RFC3339)
		return Text{
			"the provider's search may not find the payment yet; repeat this after " + at,
			"a busca do provedor talvez ainda não encontre o pagamento; repita depois de " + at,
		}, Text{}, possible
	}
	return Text{}, Text{
		"asks Mercado Pago once more; settles the payment as failed if it has no charge, or takes the charge that you have found",
		"consulta o Mercado Pago mais uma vez; encerra o pagamento como failed se não houver cobrança, ou adota a cobrança que você encontrou",
	}, time.Time{}
}

func (s situation) only(english, portuguese string) Text {
	return Text{
		fmt.Sprintf("the payment is %s; %s", s.Status, english),
		fmt.Sprintf("o pagamento está %s; %s", s.Status, portuguese),
	}
}

func (s situation) releaseFirst() Text {
	until := s.Until.UTC().Format(time.RFC3339)
	return Text{
		fmt.Sprintf("the payment is held until %s; release it first", until),
		fmt.Sprintf("o pagamento está retido até %s; libere-o antes", until),
	}
}
