package payment

import (
	"cmp"
	"fmt"
	"time"
)

// Account is an account of the ledger. Each client app has one of each.
type Account string

// The accounts. An amount above zero is a debit, one below is a credit.
const (
	AccountPending   Account = "pending"   // receivable: Mercado Pago has the money, and has not released it
	AccountAvailable Account = "available" // receivable: the money is released
	AccountFees      Account = "fees"      // what Mercado Pago keeps
	AccountPayable   Account = "payable"   // what the seller has earned: a credit
	AccountRefunds   Account = "refunds"   // what buyers got back
	AccountDisputes  Account = "disputes"  // what a dispute or the buyer's bank withholds
	AccountLosses    Account = "losses"    // what a lost dispute has taken for good
)

// Accounts lists every account.
func Accounts() []Account {
	return []Account{AccountPending, AccountAvailable, AccountFees, AccountPayable, AccountRefunds, AccountDisputes, AccountLosses}
}

// Cause says why a posting was made.
type Cause string

// The causes. With _reversed a posting takes an earlier one back.
const (
	CauseCharge          Cause = "charge"
	CauseChargeReversed  Cause = "charge_reversed"
	CauseFee             Cause = "fee" // the fee became known, or changed, after the charge was posted
	CauseRefund          Cause = "refund"
	CauseRefundReversed  Cause = "refund_reversed"
	CauseDispute         Cause = "dispute"
	CauseDisputeReversed Cause = "dispute_reversed"
	CauseLoss            Cause = "dispute_lost" // what was withheld is lost
	CauseLossReversed    Cause = "dispute_lost_reversed"
	CauseSettlement      Cause = "settlement" // the money became available
)

// Causes lists every cause.
func Causes() []Cause {
	return []Cause{CauseCharge, CauseChargeReversed, CauseFee, CauseRefund, CauseRefundReversed, CauseDispute, CauseDisputeReversed, CauseLoss, CauseLossReversed, CauseSettlement}
}

// LedgerEntry is one line of the ledger. Entries with the same payment and posting sum to zero.
type LedgerEntry struct {
	Posting  int // 1, 2, 3 … of the payment
	Cause    Cause
	RefundID string // of a posting about a refund; "" also when the provider does not say which refund it is
	Account  Account
	Amount   int64 // centavos; debits above zero, credits below
	Balance  int64 // of the account after this entry, of this payment alone
	Currency string
	At       time.Time
}

// Balance is what a client app has at the provider.
type Balance struct {
	Pending   int64 // centavos that are not released yet
	Available int64 // centavos that are released; below zero when more was refunded than released
	Currency  string
}

// Settlement is what became available, for the event that tells of it.
type Settlement struct {
	Amount int64 `json:"amount"` // centavos, without fees and what was refunded before
}

// Paid says whether the buyer's money has come, wherever it is since.
func (s Status) Paid() bool {
	switch s {
	case Approved, PartiallyRefunded, Refunded, InDispute, ChargedBack:
		return true
	}
	return false
}

// unbalanced says why an answer's amounts do not add up, or "" when they do. The net is compared only before any money went back, because
// Mercado Pago does not document what it is afterwards.
func (s ProviderState) unbalanced() string {
	var fee int64
	if s.Fee != nil {
		fee = *s.Fee
	}
	gross := cmp.Or(s.Captured, s.AmountPaid, s.Money.Centavos)
	switch {
	case fee < 0 || fee > gross:
		return fmt.Sprintf("the provider says a fee of %d centavos for a payment of %d", fee, gross)
	case s.Refunded < 0 || s.Refunded > gross:
		return fmt.Sprintf("the provider says %d centavos are refunded of a payment of %d", s.Refunded, gross)
	case s.Net != nil && s.Status == Approved && s.Refunded == 0 && fee+*s.Net != gross:
		return fmt.Sprintf("the provider says a fee of %d and a net of %d centavos, which do not add up to the payment of %d", fee, *s.Net, gross)
	}
	return ""
}
