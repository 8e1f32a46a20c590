package simulator

import (
	"encoding/json"
	"net/http"
	"time"
)

// refusal is Mercado Pago's error body.
type refusal struct {
	Message string  `json:"message"`
	Error   string  `json:"error"`
	Status  int     `json:"status"`
	Cause   []cause `json:"cause"`
}

// cause is one cause in it. As at Mercado Pago, most codes are numbers and some are texts; Data has the date and the request id.
type cause struct {
	Code        any    `json:"code"`
	Description string `json:"description"`
	Data        string `json:"data"`
}

// The causes of Mercado Pago's list for /v1/payments that the simulator uses.
var (
	causeParams         = cause{Code: 1, Description: "Params Error"}
	causeDate           = cause{Code: 23, Description: "The following parameters must be valid date and format (yyyy-MM-dd'T'HH:mm:ssz): date_of_expiration"}
	causeTooManyRows    = cause{Code: 1000, Description: "Number of rows exceeded the limits"}
	causeNotFound       = cause{Code: 2000, Description: "Payment not found"}
	causeState          = cause{Code: 2018, Description: "The action requested is not valid for the current payment state"}
	causeTaxID          = cause{Code: 2067, Description: "Invalid user identification number"}
	causeMethod         = cause{Code: 2131, Description: "Cannot infer Payment Method"}
	causeTokenUnknown   = cause{Code: 2006, Description: "Card Token not found"}
	causeTokenUsed      = cause{Code: 3003, Description: "Invalid card_token_id"}
	causeCardNumber     = cause{Code: "E301", Description: "Invalid parameter 'card_number'"}
	causeNoCardToken    = cause{Code: 4000, Description: "token attribute can't be null"}
	causeNoInstallments = cause{Code: 4004, Description: "installments attribute can't be null"}
	causeNoMethod       = cause{Code: 4001, Description: "payment_method_id attribute can't be null"}
	causeNoAmount       = cause{Code: 4002, Description: "transaction_amount attribute can't be null"}
	causeAmountType     = cause{Code: 4003, Description: "transaction_amount attribute must be numeric"}
	causeURL            = cause{Code: 4020, Description: "notification_url attribute must be url valid"}
	causeAmount         = cause{Code: 4037, Description: "Invalid transaction_amount"}
	causeEmail          = cause{Code: 4050, Description: "payer.email must be a valid email"}
	causeNoKey          = cause{Code: 4292, Description: "Header X-Idempotency-Key can't be null"}
	causeExpiry         = cause{Code: 7523, Description: "Invalid date_of_expiration"}
	causeRefundAmount   = cause{Code: 2017, Description: "The amount of the refund is not valid"}
	causeRefundTooOld   = cause{Code: 2024, Description: "The payment is too old to be refunded"}
	causeNoChargeback   = cause{Code: "not_found", Description: "Chargeback not found"}
	causeNoDocuments    = cause{Code: "files_required", Description: "files[] is required"}
	causeDocumentType   = cause{Code: "invalid_file_type", Description: "Only jpg, png and pdf files are allowed"}
	causeDocumentsSize  = cause{Code: "files_too_large", Description: "The files exceed 10 MB"}
	causeNoClaim        = cause{Code: "not_found_claim", Description: "Claim not found"}
	causeCustomerExists = cause{Code: 101, Description: "the customer already exist"}
	causeCustomerEmail  = cause{Code: 106, Description: "the email is invalid"}
	causePayerUnknown   = cause{Code: 2002, Description: "Customer not found"}
	causeTokenInvalid   = cause{Code: 2062, Description: "Invalid card token"}
	causeCardID         = cause{Code: "E216", Description: "Invalid parameter 'card_id'"}
	causeSecurityCode   = cause{Code: "E302", Description: "Invalid parameter 'security_code'"}
	causeNoRefund       = cause{Code: 2032, Description: "Refund not found"}
	causeRefundState    = cause{Code: 2063, Description: "The action requested is not valid for the current payment state"}
	causeInProcess      = cause{Code: 1, Description: "The refund is in process"}
	causeInterval       = cause{Code: 9062, Description: "The search interval must be shorter than 365 days"}
	causeNoToken        = cause{Code: "unauthorized", Description: "authorization value not present"}
	causeToken          = cause{Code: "unauthorized", Description: "invalid access token"}
	causeKeyRunning     = cause{Code: 401001, Description: "The request with this X-Idempotency-Key is not completed yet"}
	causeKeyTaken       = cause{Code: "idempotency_key_already_used", Description: "The X-Idempotency-Key was used with another request"}
)

// refuse makes an error response with its causes; the first one is the message.
func (c *call) refuse(status int, causes ...cause) answer {
	data := time.Now().UTC().Format("02-01-2006T15:04:05MST") + ";" + c.id
	given := make([]cause, len(causes))
	for i, reason := range causes {
		reason.Data = data
		given[i] = reason
	}
	message := http.StatusText(status)
	if len(causes) > 0 {
		message = causes[0].Description
	}
	return jsonAnswer(status, refusal{Message: message, Error: errorNames[status], Status: status, Cause: given})
}

var errorNames = map[int]string{
	http.StatusBadRequest:          "bad_request",
	http.StatusUnauthorized:        "unauthorized",
	http.StatusForbidden:           "forbidden",
	http.StatusNotFound:            "not_found",
	http.StatusConflict:            "conflict",
	http.StatusTooManyRequests:     "too_many_requests",
	http.StatusInternalServerError: "internal_server_error",
	http.StatusBadGateway:          "bad_gateway",
	http.StatusServiceUnavailable:  "service_unavailable",
	http.StatusGatewayTimeout:      "gateway_timeout",
}

func jsonAnswer(status int, body any) answer {
	encoded, err := json.Marshal(body)
	if err != nil {
		// All types that come here can be encoded.
		panic(err)
	}
	return answer{status: status, body: encoded}
}
