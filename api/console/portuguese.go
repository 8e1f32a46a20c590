package console

// portuguese are the texts of the pages by their English. A test finds a text that is missing here, and one that no page uses.
var portuguese = map[string]string{
	// layout
	"To the content": "Ir para o conteúdo", "Pages": "Páginas", "Language": "Idioma", "Log out": "Sair",
	"Overview": "Visão geral", "Payments": "Pagamentos", "Dead letters": "Mensagens mortas", "Reconciliation": "Conciliação", "Audit": "Auditoria",

	// in many places
	"Action": "Ação", "Actions": "Ações", "Actor": "Autor", "Amount": "Valor", "Cause": "Causa", "Client": "Cliente", "Code": "Código",
	"Created": "Criado", "Dead letter": "Mensagem morta", "Detail": "Detalhe", "Died": "Morreu", "Error": "Erro", "Find": "Buscar",
	"Fingerprint": "Impressão digital", "Id": "Id", "Kind": "Tipo", "Name": "Nome", "None.": "Nenhuma.", "Object": "Objeto",
	"Older": "Mais antigos", "Oldest": "Mais antigo", "Open in Temporal": "Abrir no Temporal", "Password": "Senha", "Payment": "Pagamento",
	"End-to-end id of the Pix": "Id ponta a ponta do Pix",
	"Provider's id":            "Id no provedor", "Reason": "Motivo", "Redrive": "Reprocessar", "Reference": "Referência", "Source": "Origem",
	"State": "Estado", "Status": "Status", "Time": "Horário", "(optional)": "(opcional)", "by": "por", "never": "nunca",
	"a moment": "um instante", "%d days": "%d dias", "%s ago": "há %s", "%d times": "%d vezes",

	// log-in
	"Log in": "Entrar",
	"of your authenticator app, or a recovery code; leave it empty if you have no second factor": "do seu aplicativo autenticador, ou um código de recuperação; deixe em branco se você não tem segundo fator",
	"Users are added with the command <code>onlywave users add</code>":                           "Usuários são incluídos com o comando <code>onlywave users add</code>",
	"The name, the password or the code is wrong.":                                               "O nome, a senha ou o código está errado.",
	"Somebody knows your password and has tried to guess your codes, so one code is not enough. Enter two codes in a row (wait until your app shows the second one), or a recovery code. Then change your password.": "Alguém sabe a sua senha e tentou adivinhar os seus códigos; por isso um código não basta. Digite dois códigos seguidos (espere o aplicativo mostrar o segundo) ou um código de recuperação. Depois troque a senha.",
	"Your last log-in was on %s from %s.":                                       "A sua última entrada foi em %s, de %s.",
	"Since then %d log-ins failed.":                                             "Desde então houve %d entradas recusadas.",
	"This is your first log-in. %d log-ins failed before it.":                   "Esta é a sua primeira entrada. Antes dela houve %d entradas recusadas.",
	"You have %d recovery codes left. To make new ones, click your name above.": "Restam %d códigos de recuperação. Para gerar novos, clique no seu nome acima.",
	"the password was right, the code was not":                                  "a senha estava certa, o código não",
	"with the %s": "com %s",

	// account
	"Your account": "Sua conta", "Second factor": "Segundo fator", "Set up another app": "Configurar outro aplicativo",
	"Authenticator app. Recovery codes left: %d.": "Aplicativo autenticador. Códigos de recuperação restantes: %d.",
	"New recovery codes":                          "Novos códigos de recuperação", "Your password": "Sua senha",
	"Your old codes will stop working.": "Os códigos antigos deixarão de valer.", "Make new codes": "Gerar novos códigos",
	"With a second factor nobody can log in with your password alone, and wrong guesses of others cannot lock you out.": "Com um segundo fator ninguém entra só com a sua senha, e tentativas de outros não bloqueiam a sua entrada.",
	"Set up a second factor": "Configurar um segundo fator",
	"A second factor can only be set up if <code>CONSOLE_SECRET</code> is set.": "O segundo fator só pode ser configurado se <code>CONSOLE_SECRET</code> estiver definido.",
	"Current password": "Senha atual", "New password": "Nova senha", "New password again": "Repita a nova senha",
	"At least 12 characters, and hard to guess. All your other sessions will end.": "Pelo menos 12 caracteres, difíceis de adivinhar. As suas outras sessões serão encerradas.",
	"Change password": "Trocar a senha", "Last log-ins": "Últimas entradas",
	"If you do not recognise one of them, change your password.": "Se você não reconhece alguma, troque a senha.",
	"from %s": "de %s",
	"The two new passwords are not the same.":                             "As duas senhas novas não são iguais.",
	"The new password is the same as the old one.":                        "A nova senha é igual à antiga.",
	"The new password %s.":                                                "A nova senha %s.",
	"This is not your password.":                                          "Esta não é a sua senha.",
	"Your password has been changed. All your other sessions have ended.": "A sua senha foi trocada. As suas outras sessões foram encerradas.",

	// second factor and recovery codes
	"On a live platform operators need a second factor. Set it up before you do anything else.": "Em produção os operadores precisam de um segundo fator. Configure o seu antes de qualquer outra coisa.",
	"Scan this code with an authenticator app:":                                                 "Leia este código com um aplicativo autenticador:",
	"The secret as a QR code":                               "O segredo como QR Code",
	"or type the secret:":                                   "ou digite o segredo:",
	"Enter the code that the app shows, and your password:": "Digite o código que o aplicativo mostra e a sua senha:",
	"Replace the old app":                                   "Substituir o aplicativo antigo", "Set up": "Configurar", "Not now": "Agora não",
	"This is not the code that your app should show now. Check that the clock of your telephone is right.": "Este não é o código que o seu aplicativo deveria mostrar agora. Confira se o relógio do telefone está certo.",
	"Recovery codes": "Códigos de recuperação",
	"Your second factor is set up. All your other sessions have ended.": "O seu segundo fator está configurado. As suas outras sessões foram encerradas.",
	"Each code works once, together with your password, if you do not have your app. <strong>They are shown only now</strong>: write them down or print them, and do not keep them with your telephone.": "Cada código vale uma vez, junto com a sua senha, quando você está sem o aplicativo. <strong>Eles só aparecem agora</strong>: anote ou imprima, e não guarde junto com o telefone.",
	"I have saved them": "Já guardei",

	// overview
	"<strong>All is well.</strong> Nothing waits for an operator.": "<strong>Tudo em ordem.</strong> Nada espera por um operador.",
	"open dead letters": "mensagens mortas abertas", "unknown payments": "pagamentos desconhecidos",
	"findings to check": "divergências a verificar", "webhooks in the spool": "webhooks na fila de reserva",
	"The numbers cannot be shown:": "Os números não podem ser mostrados:", "The breakers cannot be shown:": "Os disjuntores não podem ser mostrados:",
	"The queues cannot be shown:": "As filas não podem ser mostradas:",
	"Health":                      "Saúde", "Open payments": "Pagamentos abertos", "Open dead letters": "Mensagens mortas abertas",
	"Payments are compared up to": "Pagamentos conferidos até", "Webhooks missed in the last hour": "Webhooks não recebidos na última hora",
	"Oldest webhook in the spool": "Webhook mais antigo na fila de reserva",
	"Queues":                      "Filas", "Queue": "Fila", "Waiting": "Esperando", "Consumers": "Consumidores",
	"Breakers": "Disjuntores", "held by %s: %s": "mantido por %s: %s", "opened %d times": "abriu %d vezes", "never opened": "nunca abriu", "%s since": "%s desde",
	"Saved views in Temporal": "Listas salvas no Temporal",
	"Override":                "Definir à mão", "Hold open": "Manter aberto", "Hold closed": "Manter fechado", "Automatic": "Automático",
	"The breaker %s is set to %s.": "O disjuntor %s está definido como %s.",

	// payments
	"Payment id, provider's id, end-to-end id, reference or buyer's e-mail": "Id do pagamento, id no provedor, id ponta a ponta, referência ou e-mail do comprador", "any status": "qualquer status",
	"Enter an e-mail address in this form only: the address of a page stays in the browser's history.":                                                                          "Digite um e-mail só neste formulário: o endereço de uma página fica no histórico do navegador.",
	"No payment can be found by e-mail, because <code>SEARCH_KEY</code> is not set. Set it for the API and the workers, then run <code>onlywave migrate</code> with it.":        "Nenhum pagamento pode ser encontrado por e-mail, porque <code>SEARCH_KEY</code> não está definido. Defina-o para a API e os workers e depois execute <code>onlywave migrate</code> com ele.",
	"Payments may be missing here, because not all are indexed by e-mail. Check that the workers have <code>SEARCH_KEY</code>, then run <code>onlywave migrate</code> with it.": "Podem faltar pagamentos aqui, porque nem todos estão indexados por e-mail. Confira se os workers têm <code>SEARCH_KEY</code> e depois execute <code>onlywave migrate</code> com ele.",
	"There are more. Only the newest %d are shown; choose a status to see others.":                                                                                              "Há mais. Só os %d mais novos aparecem; escolha um status para ver outros.",
	"No payments match this search. A new payment appears as soon as its workflow has written it.":                                                                              "Nenhum pagamento encontrado. Um pagamento novo aparece assim que o seu workflow o grava.",
	"Disputes": "Contestações", "Opened": "Aberta em", "Deadline": "Prazo", "Documents": "Documentos",
	"Ledger": "Livro-razão", "Number": "Número", "Account": "Conta", "Balance": "Saldo",
	"Entries with the same number sum to zero. A debit is above zero, a credit below; the balance is this payment's.": "Lançamentos com o mesmo número somam zero. Débito é acima de zero, crédito é abaixo; o saldo é só deste pagamento.",
	"Description": "Descrição", "Method": "Meio", "expires": "vence em", "Refunded": "Reembolsado", "Changed": "Alterado",
	"Provider": "Provedor", "Id at provider": "Id no provedor", "Checkout": "Checkout", "no answer yet": "ainda sem resposta", "Status at provider": "Status no provedor", "As of": "Em",
	"The payment is settled as failed.": "O pagamento foi encerrado como falho.",

	// commands on a payment
	"Ask Mercado Pago now": "Consultar o Mercado Pago agora", "Try again now": "Tentar de novo agora", "Hold": "Reter", "Release": "Liberar",
	"Give up charging": "Desistir da cobrança", "Settle": "Encerrar", "Capture": "Capturar", "Captured": "Capturado", "empty: all that is reserved": "vazio: tudo o que está reservado", "Cancel": "Cancelar", "Refund": "Devolver",
	"Amount in reais, such as 10,50": "Valor em reais, como 10,50", "All that is left": "Tudo o que resta",
	"If the buyer pays meanwhile": "Se o comprador pagar nesse meio tempo", "keep the money": "ficar com o dinheiro", "refund the money": "devolver o dinheiro",
	"Mercado Pago was asked for the reserved money. The payment is %s.": "O dinheiro reservado foi pedido ao Mercado Pago. O pagamento está %s.",
	"The refund is asked for. The payment is %s.":                       "A devolução foi pedida. O pagamento está %s.",
	"Mercado Pago was asked to close the payment. The payment is %s.":   "O Mercado Pago foi chamado a fechar o pagamento. O pagamento está %s.",
	"For how many hours (at most 168)":                                  "Por quantas horas (no máximo 168)", "Mercado Pago's id of the charge": "Id da cobrança no Mercado Pago",
	"only if its panel has one; empty: there is none, the payment has failed": "só se o painel tiver uma; em branco: não há nenhuma, o pagamento falhou",
	"I have read what this does. It cannot be undone.":                        "Li o que isto faz. Não pode ser desfeito.",
	"Mercado Pago was asked. The payment is %s.":                              "O Mercado Pago foi consultado. O pagamento está %s.",
	"The next attempt is due now. The payment is %s.":                         "A próxima tentativa é agora. O pagamento está %s.",
	"The payment is held.":                                                    "O pagamento está retido.",
	"The hold has ended. The payment is %s.":                                  "A retenção terminou. O pagamento está %s.",
	"The attempts to charge have ended. The payment is %s.":                   "As tentativas de cobrança terminaram. O pagamento está %s.",
	"Done. The payment is %s.":                                                "Feito. O pagamento está %s.",

	// users
	"Users": "Usuários", "User": "Usuário", "Role": "Papel", "Last log-in": "Última entrada", "Added": "Incluído em",
	"Users are added and removed with commands, on a machine that has the platform's settings:":         "Usuários são incluídos e removidos com comandos, em uma máquina com as configurações da plataforma:",
	"A viewer only looks. Every change is in the <a href=\"/console/audit?action=user.add\">audit</a>.": "Um leitor só olha. Cada mudança está na <a href=\"/console/audit?action=user.add\">auditoria</a>.",

	// figures
	"Figures": "Números", "The last 24 hours, in UTC.": "As últimas 24 horas, em UTC.", "Nothing to show yet.": "Ainda nada para mostrar.", "As a table": "Em tabela",
	"All figures": "Todos os números",
	"paid":        "pagos", "waiting": "esperando", "ended without payment": "encerrados sem pagamento", "unknown outcome": "resultado desconhecido",
	"Payments a minute": "Pagamentos por minuto",
	"Payments by when they were created and where they stand now, in spans of 15 minutes.": "Pagamentos por quando foram criados e como estão agora, em intervalos de 15 minutos.",
	"Time to approved, in seconds": "Tempo até a aprovação, em segundos",
	"Time from the creation of a payment to its approval: the median, and the time within which 95 of 100 were approved.": "Tempo da criação de um pagamento até a aprovação: a mediana, e o tempo em que 95 de 100 foram aprovados.",
	"median (p50)": "mediana (p50)", "Approval rate by method": "Taxa de aprovação por meio",
	"Of the payments that have ended, how many in 100 were paid, by method.":              "Dos pagamentos encerrados, quantos em 100 foram pagos, por meio.",
	"The worst state of each breaker in spans of 15 minutes; one strip for each breaker.": "O pior estado de cada disjuntor em intervalos de 15 minutos; uma faixa por disjuntor.",
	"closed": "fechado", "half-open": "meio aberto", "open": "aberto", "Messages waiting in queues": "Mensagens esperando nas filas",
	"The most messages that waited in spans of 15 minutes, of the five longest queues.": "O maior número de mensagens esperando em intervalos de 15 minutos, nas cinco filas mais longas.",

	// presence
	"%s has been looking at this since %s.": "%s está vendo isto desde %s.",

	// dead letters and redrives
	"any state": "qualquer estado", "any cause": "qualquer causa", "any source": "qualquer origem", "Payment id": "Id do pagamento",
	"No dead letters match this filter.":           "Nenhuma mensagem morta com este filtro.",
	"Redrive all open dead letters of this filter": "Reprocessar todas as mensagens mortas abertas deste filtro",
	"Canary: number sent first":                    "Canário: quantas vão primeiro",
	"Dead letters a second":                        "Mensagens por segundo",
	"Stop after this many errors":                  "Parar depois de tantos erros",
	"Dry run: only count the dead letters":         "Simulação: só contar as mensagens mortas",
	"The canary is sent one minute before the rest; if one of them fails or dies again, the rest is not sent. 0 means: no canary, no limit a second, never stop.": "O canário vai um minuto antes do resto; se uma delas falhar ou morrer de novo, o resto não é enviado. 0 quer dizer: sem canário, sem limite por segundo, nunca parar.",
	"Start": "Iniciar", "not known": "não se sabe", "Workflow": "Workflow", "Run": "Execução", "Closed": "Fechada",
	"Original message": "Mensagem original", "Exchange": "Exchange", "Died in queue": "Morreu na fila", "Size": "Tamanho", "%d bytes": "%d bytes",
	"the body is never shown: it may hold personal data": "o corpo nunca é mostrado: pode ter dados pessoais",
	"Attempts": "Tentativas", "Redrives": "Reprocessamentos", "redrive": "reprocessamento", "Discard": "Descartar", "Discard for good": "Descartar de vez",
	"The dead letter is discarded.":                                    "A mensagem morta foi descartada.",
	"<b>%d</b> dead letters would be sent. Nothing was sent.":          "<b>%d</b> mensagens mortas seriam enviadas. Nada foi enviado.",
	"To send them, go back and start the redrive without the dry run.": "Para enviá-las, volte e inicie o reprocessamento sem a simulação.",
	"%d of %d": "%d de %d", "selected": "selecionadas", "sent": "enviadas", "failed": "falharam", "died again": "morreram de novo", "left": "restam",
	"This page reloads by itself until the redrive has ended.": "Esta página se recarrega sozinha até o reprocessamento terminar.",

	// reconciliation
	"%d in all": "%d no total", "Open findings: %s": "Divergências abertas: %s", "Open findings": "Divergências abertas", "All kinds": "Todos os tipos",
	"Found": "Encontrada", "Close": "Fechar", "Reason: why nothing needs to be done": "Motivo: por que nada precisa ser feito", "Close for good": "Fechar de vez",
	"No open findings.": "Nenhuma divergência aberta.", "Last runs": "Últimas execuções", "None yet.": "Ainda nenhuma.",
	"Started": "Início", "Window": "Janela", "Compared": "Conferidos", "Differences": "Diferenças", "Missed webhooks": "Webhooks não recebidos",
	"Payments of other systems": "Pagamentos de outros sistemas", "To check": "A verificar",
	"The finding is closed.": "A divergência foi fechada.",

	// audit
	"any action": "qualquer ação", "Reason and changes": "Motivo e mudanças", "No entries match this filter.": "Nenhum registro com este filtro.",

	// failure
	"The page could not be rendered. The reason is in the API's log.": "A página não pôde ser montada. O motivo está no log da API.",
	"Try again in %s.": "Tente de novo em %s.", "To the overview": "Ir para a visão geral", "Request": "Requisição",
	"Not valid": "Inválido", "Go back, correct it and try again. Nothing was changed.": "Volte, corrija e tente de novo. Nada foi alterado.",
	"Refused": "Recusado", "Open the console in a new tab and do it there. Nothing was changed.": "Abra o console em outra aba e faça por lá. Nada foi alterado.",
	"Not allowed": "Não permitido", "Ask an administrator of the platform for another role. Nothing was changed.": "Peça outro papel a um administrador da plataforma. Nada foi alterado.",
	"Not found": "Não encontrado", "Check the address, or search in the lists of payments and dead letters.": "Confira o endereço, ou busque nas listas de pagamentos e de mensagens mortas.",
	"Already changed": "Já alterado", "Go back and reload the page: it has changed since you opened it.": "Volte e recarregue a página: ela mudou desde que você a abriu.",
	"Too many attempts": "Tentativas demais", "Wait a while, then try again.": "Espere um pouco e tente de novo.",
	"Unavailable for the moment": "Indisponível no momento",
	"Try again in a moment. Payments do not depend on the console. Without a log-in you can still use the command onlywave dead-letters, and Temporal's Web UI shows every payment.": "Tente de novo em instantes. Os pagamentos não dependem do console. Sem entrar você ainda pode usar o comando onlywave dead-letters, e a interface web do Temporal mostra todos os pagamentos.",
	"Something went wrong on our side": "Algo deu errado do nosso lado", "Try again. If it happens again, search the API's log for the request id below.": "Tente de novo. Se acontecer outra vez, procure no log da API o id da requisição abaixo.",

	"The command is accepted and still being carried out. Reload the page in a moment.": "O comando foi aceito e ainda está em execução. Recarregue a página daqui a pouco.",
}
