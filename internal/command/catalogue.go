package command

import (
	"slices"
	"strings"

	"github.com/onlywave/onlywave/internal/audit"
)

// Name is the name of a command as Temporal has it.
type Name string

// What a payment's workflow may be asked.
const (
	Create  Name = "create"
	Look    Name = "look"
	Retry   Name = "retry"
	Hold    Name = "hold"
	Release Name = "release"
	GiveUp  Name = "give_up"
	Settle  Name = "settle"
	Capture Name = "capture"
	Cancel  Name = "cancel"
	Refund  Name = "refund"
	Payment Name = "payment"
)

// Kind says how Temporal delivers a command.
type Kind string

// The kinds. An update answers and may refuse. A signal is delivered also when nobody waits for an answer.
const (
	Signal Kind = "signal"
	Update Kind = "update"
	Query  Kind = "query"
)

// ReasonRule says whether an order needs a reason.
type ReasonRule string

// The rules.
const (
	NoReason       ReasonRule = "none"
	OptionalReason ReasonRule = "optional"
	RequiredReason ReasonRule = "required"
)

// Entry is one row of the catalogue.
type Entry struct {
	Name     Name
	Kinds    []Kind
	Operator bool // operators order it through REST, the console and the command line
	Reason   ReasonRule
	Action   audit.Action // its entry in the audit; "" has none
	Short    Text         // its name on buttons and in lists
	Does     Text         // what it does, in one sentence
}

// catalogue is everything that a payment's workflow may be asked. Temporal's descriptions, the console, the command line and the
// documentation read it.
var catalogue = []Entry{
	{
		Name: Create, Kinds: []Kind{Update}, Reason: NoReason,
		Short: Text{"Create", "Criar"},
		Does: Text{
			"Create the payment or join it, and answer when Mercado Pago has answered or the outcome is unknown.",
			"Cria o pagamento ou se junta a ele, e responde quando o Mercado Pago responde ou o resultado é desconhecido.",
		},
	},
	{
		Name: Look, Kinds: []Kind{Signal, Update}, Operator: true, Reason: OptionalReason, Action: audit.PaymentLook,
		Short: Text{"Look now", "Consultar agora"},
		Does: Text{
			"Ask Mercado Pago now where the payment stands; the signal needs no argument and is remembered while the payment is held.",
			"Pergunta agora ao Mercado Pago como está o pagamento; o signal não precisa de argumento e é lembrado enquanto o pagamento está retido.",
		},
	},
	{
		Name: Retry, Kinds: []Kind{Signal, Update}, Operator: true, Reason: OptionalReason, Action: audit.PaymentRetry,
		Short: Text{"Retry now", "Tentar agora"},
		Does: Text{
			"Make the activity that waits for its next attempt due now, or look at Mercado Pago when none waits; a paused activity stays paused.",
			"Antecipa para agora a próxima tentativa da activity que espera, ou consulta o Mercado Pago quando nenhuma espera; uma activity pausada continua pausada.",
		},
	},
	{
		Name: Hold, Kinds: []Kind{Signal, Update}, Operator: true, Reason: RequiredReason, Action: audit.PaymentHold,
		Short: Text{"Hold", "Reter"},
		Does: Text{
			"Make no call to Mercado Pago for the payment until it is released or the hold ends, after 24 hours or at until, at most 7 days.",
			"Não faz nenhuma chamada ao Mercado Pago para o pagamento até que seja liberado ou a retenção termine, em 24 horas ou em until, no máximo 7 dias.",
		},
	},
	{
		Name: Release, Kinds: []Kind{Signal, Update}, Operator: true, Reason: RequiredReason, Action: audit.PaymentRelease,
		Short: Text{"Release", "Liberar"},
		Does: Text{
			"End the hold and look at Mercado Pago, or go on charging.",
			"Termina a retenção e consulta o Mercado Pago, ou continua a cobrança.",
		},
	},
	{
		Name: GiveUp, Kinds: []Kind{Signal, Update}, Operator: true, Reason: RequiredReason, Action: audit.PaymentGiveUp,
		Short: Text{"Give up the charge", "Abandonar a cobrança"},
		Does: Text{
			"End the attempts to charge: search Mercado Pago once more and take what it has, else park the payment as unknown; it also ends a hold.",
			"Encerra as tentativas de cobrança: procura mais uma vez no Mercado Pago e aceita o que houver, senão deixa o pagamento como desconhecido; também termina uma retenção.",
		},
	},
	{
		Name: Settle, Kinds: []Kind{Update}, Operator: true, Reason: RequiredReason, Action: audit.PaymentSettle,
		Short: Text{"Settle an unknown payment", "Encerrar um pagamento desconhecido"},
		Does: Text{
			"Settle an unknown payment: as failed when Mercado Pago has no charge of it, or as found with the provider_payment_id of its charge; " +
				"Mercado Pago is asked first, and what contradicts it is refused. A held payment must be released first.",
			"Encerra um pagamento desconhecido: como failed quando o Mercado Pago não tem a cobrança, ou como found com o provider_payment_id da cobrança; " +
				"o Mercado Pago é consultado antes, e o que o contradiz é recusado. Um pagamento retido precisa ser liberado antes.",
		},
	},
	{
		Name: Capture, Kinds: []Kind{Signal, Update}, Operator: true, Reason: RequiredReason, Action: audit.PaymentCapture,
		Short: Text{"Capture", "Capturar"},
		Does: Text{
			"Capture the reserved money of an authorized payment: amount in centavos, or all of it when it is left out.",
			"Captura o dinheiro reservado de um pagamento autorizado: amount em centavos, ou tudo quando não for informado.",
		},
	},
	{
		Name: Cancel, Kinds: []Kind{Signal, Update}, Operator: true, Reason: RequiredReason, Action: audit.PaymentCancel,
		Short: Text{"Cancel", "Cancelar"},
		Does: Text{
			"Close an unpaid payment at Mercado Pago; if the buyer pays meanwhile, keep the money or refund it, as on_paid says (keep or refund).",
			"Fecha no Mercado Pago um pagamento não pago; se o comprador pagar nesse meio tempo, fica com o dinheiro ou o devolve, como on_paid diz (keep ou refund).",
		},
	},
	{
		Name: Refund, Kinds: []Kind{Signal, Update}, Operator: true, Reason: RequiredReason, Action: audit.PaymentRefund,
		Short: Text{"Refund", "Devolver"},
		Does: Text{
			"Give back a part of an approved payment or all that is left: {\"amount\": 500} in centavos or {\"all\": true} under refund.",
			"Devolve uma parte de um pagamento aprovado ou tudo o que resta: {\"amount\": 500} em centavos ou {\"all\": true} em refund.",
		},
	},
	{
		Name: Payment, Kinds: []Kind{Query}, Reason: NoReason,
		Short: Text{"Show the state", "Mostrar o estado"},
		Does: Text{
			"Return what the payment's workflow knows and what it waits for.",
			"Devolve o que o workflow do pagamento sabe e o que ele espera.",
		},
	},
}

// Catalogue lists every entry, in the order in which they are shown.
func Catalogue() []Entry { return slices.Clone(catalogue) }

// Operators lists the commands that operators may order.
func Operators() []Entry {
	return slices.DeleteFunc(Catalogue(), func(e Entry) bool { return !e.Operator })
}

// Find is the entry with this name.
func Find(name Name) (Entry, bool) {
	i := slices.IndexFunc(catalogue, func(e Entry) bool { return e.Name == name })
	if i < 0 {
		return Entry{}, false
	}
	return catalogue[i], true
}

// Has says whether Temporal delivers the command that way.
func (e Entry) Has(k Kind) bool { return slices.Contains(e.Kinds, k) }

// Page is the command's page in the runbook.
func (e Entry) Page() string { return "docs/runbook/commands/" + string(e.Name) + ".md" }

// Path is the last part of the command's path in the REST API.
func (e Entry) Path() string {
	if e.Name == Refund {
		return "refunds" // a refund is an object
	}
	return e.Name.Word()
}

// Word is the command's name in paths and on the command line, such as give-up.
func (n Name) Word() string { return strings.ReplaceAll(string(n), "_", "-") }
