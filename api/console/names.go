package console

import (
	"github.com/onlywave/onlywave/internal/access"
	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/breaker"
	"github.com/onlywave/onlywave/internal/deadletter"
	"github.com/onlywave/onlywave/internal/payment"
	"github.com/onlywave/onlywave/workflows"
)

// names are the names of values in Portuguese. In English they are the values themselves, with blanks. The type of a value counts: an
// open breaker is aberto, an open dead letter is aberta. A payment's statuses are in package language, causes in package deadletter.
var names = map[any]string{
	deadletter.Open: "aberta", deadletter.Redriven: "reprocessada", deadletter.Discarded: "descartada", deadletter.Resolved: "resolvida",
	deadletter.FromWebhook: "webhook", deadletter.FromWorkflow: "workflow",
	deadletter.RedriveSending: "sendo enviada", deadletter.RedriveSent: "enviada", deadletter.RedriveFailed: "falhou",

	workflows.RedriveCounting: "contando", workflows.RedriveCanary: "canário", workflows.RedriveRunning: "em andamento",
	workflows.RedriveDone: "concluído", workflows.RedriveStopped: "parado", workflows.RedriveDryRun: "só contagem",
	workflows.RedriveCancelled: "cancelado", workflows.RedriveFailed: "falhou",

	breaker.Open: "aberto", breaker.Closed: "fechado", breaker.HalfOpen: "meio aberto", breaker.Automatic: "automático",

	payment.Difference: "diferença", payment.Contradiction: "contradição", payment.OrphanPayment: "pagamento órfão",
	payment.Unreadable: "ilegível", payment.MissedWebhook: "webhook não recebido",

	payment.Charge: "cobrança",

	payment.AccountPending: "a liberar", payment.AccountAvailable: "disponível", payment.AccountFees: "tarifas", payment.AccountPayable: "a pagar ao vendedor",
	payment.AccountRefunds: "devoluções", payment.AccountDisputes: "contestações", payment.AccountLosses: "perdas",
	payment.CauseCharge: "cobrança", payment.CauseChargeReversed: "estorno da cobrança", payment.CauseFee: "tarifa", payment.CauseRefund: "devolução",
	payment.CauseRefundReversed: "estorno da devolução", payment.CauseDispute: "contestação", payment.CauseDisputeReversed: "fim da contestação",
	payment.CauseLoss: "contestação perdida", payment.CauseLossReversed: "estorno da perda",
	payment.CauseSettlement: "liquidação",

	payment.Chargeback: "chargeback", payment.Claim: "reclamação", payment.Mediation: "mediação", payment.FraudAlert: "alerta de fraude",
	payment.DisputeOpen: "aberta", payment.DisputeEvidenceWanted: "documentos esperados", payment.DisputeInReview: "em análise",
	payment.EvidenceSending: "enviando", payment.EvidenceSent: "enviados", payment.EvidenceRefused: "recusados",
	payment.DisputeWon: "ganha", payment.DisputeLost: "perdida", payment.DisputeClosed: "encerrada",

	access.Operator: "operador", access.Viewer: "leitor",

	audit.Console: "console", audit.REST: "REST", audit.CommandLine: "linha de comando", audit.Temporal: "Temporal", audit.Workflow: "workflow",

	audit.LogIn: "entrou", audit.LogInRefused: "entrada recusada", audit.LogOut: "saiu",
	audit.UserAdd: "usuário: incluir", audit.UserRemove: "usuário: remover", audit.UserRevoke: "usuário: encerrar sessões",
	audit.UserPassword: "usuário: senha", audit.UserSecondFactor: "usuário: segundo fator",
	audit.UserSecondFactorReset: "usuário: segundo fator removido", audit.UserRecoveryCodes: "usuário: códigos de recuperação",
	audit.KeyCreate: "chave: criar", audit.KeyRevoke: "chave: revogar", audit.BreakerSet: "disjuntor: definir",
	audit.DeadLetterDiscard: "mensagem morta: descartar", audit.RedriveStart: "reprocessamento: iniciar",
	audit.PaymentSettle: "pagamento: encerrar", audit.PaymentCancel: "pagamento: cancelar", audit.PaymentRefund: "pagamento: devolver", audit.PaymentCapture: "pagamento: capturar",
	audit.PaymentLook: "pagamento: consultar", audit.PaymentRetry: "pagamento: tentar agora", audit.PaymentHold: "pagamento: reter",
	audit.PaymentRelease: "pagamento: liberar", audit.PaymentGiveUp: "pagamento: desistir", audit.PaymentHoldEnd: "pagamento: fim da retenção",

	audit.PaymentReset: "pagamento: reiniciar", audit.ActivityPause: "atividade: pausar", audit.ActivityUnpause: "atividade: retomar",
	audit.ActivityRetry: "atividade: tentar agora", audit.ProviderThrottle: "provedor: limitar", audit.WorkerDrain: "worker: esvaziar",
	audit.FindingClose: "divergência: fechar", audit.DisputeEvidence: "contestação: enviar documentos", audit.PayerSearch: "comprador: buscar por e-mail", audit.RecordPrune: "dados antigos: apagar",

	breaker.Charge: "cobrança", breaker.Read: "leitura", breaker.Search: "busca", breaker.Cancel: "cancelamento", breaker.Refund: "devolução", breaker.Terms: "condições", breaker.Vault: "cofre", breaker.Dispute: "contestação", breaker.Checkout: "checkout", breaker.Email: "e-mail",

	// Of operations, log-ins, dependencies, runs and second factors, whose values have no type of their own.
	"asked": "pedida", "done": "concluída", "refused": "recusada", "unknown": "desconhecida", "settled": "encerrada",
	"logged in": "entrou", "log-in refused": "recusado", "works": "funciona", "unavailable": "indisponível", "running": "em andamento",
	"set up": "configurado", "none": "nenhum",
	"authenticator app": "aplicativo autenticador", "recovery code": "código de recuperação",
}

// argumentNames are the names of the states that a message of an error may hold.
var argumentNames = map[string]string{
	"open": "aberta", "redriven": "reprocessada", "discarded": "descartada", "resolved": "resolvida",
	"operator": "operador", "viewer": "leitor",
}
