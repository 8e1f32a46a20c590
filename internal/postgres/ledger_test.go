package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onlywave/onlywave/internal/audit"
	"github.com/onlywave/onlywave/internal/payment"
)

// paid is an approval of 1050 centavos with a fee of 10, whose money is released at second 60.
func paid(id string, second int) payment.ProviderState {
	state := answer(id, payment.Approved, second)
	fee, net := int64(10), int64(1040)
	state.Fee, state.Net, state.ReleaseAt = &fee, &net, timeAt(60)
	return state
}

// postings are the entries of a payment in short, such as "1 charge fees 10". Each posting sums to zero.
func (s *Store) postings(t require.TestingT, id string) []string {
	entries, err := s.Ledger(context.Background(), id)
	require.NoError(t, err)
	sums := map[int]int64{}
	var short []string
	for _, e := range entries {
		sums[e.Posting] += e.Amount
		short = append(short, fmt.Sprintf("%d %s %s %d", e.Posting, e.Cause, e.Account, e.Amount))
	}
	for n, sum := range sums {
		require.Zero(t, sum, "posting %d", n)
	}
	return short
}

// accounts are the balances of a payment's accounts, without those that are zero.
func (s *Store) accounts(t require.TestingT, id string) map[payment.Account]int64 {
	entries, err := s.Ledger(context.Background(), id)
	require.NoError(t, err)
	sums := map[payment.Account]int64{}
	for _, e := range entries {
		sums[e.Account] += e.Amount
		require.Equal(t, sums[e.Account], e.Balance)
	}
	maps.DeleteFunc(sums, func(_ payment.Account, sum int64) bool { return sum == 0 })
	return sums
}

func (s *Store) balance(t require.TestingT, clientID string) payment.Balance {
	b, err := s.Balance(context.Background(), clientID)
	require.NoError(t, err)
	return b
}

// look applies an answer as a look, twice: the second time nothing is posted.
func (s *Store) look(t require.TestingT, state payment.ProviderState) {
	for range 2 {
		_, err := s.ApplyLook(context.Background(), state.Reference, state, timeAt(30))
		require.NoError(t, err)
	}
}

func refunded(state payment.ProviderState, second int, refunds ...payment.ProviderRefund) payment.ProviderState {
	state.Status, state.Refunded, state.Refunds, state.UpdatedAt, state.Net = payment.Approved, 0, refunds, timeAt(second), nil
	for _, r := range refunds {
		if r.Outcome == payment.OutcomeDone {
			state.Refunded += r.Amount
		}
	}
	switch {
	case state.Refunded == state.Money.Centavos:
		state.Status = payment.Refunded
	case state.Refunded > 0:
		state.Status = payment.PartiallyRefunded
	}
	return state
}

func TestAPaidPaymentIsPostedOnce(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	id := s.open(t, newPayment("paid")).ID
	s.apply(t, id, answer(id, payment.Pending, 1))
	require.Empty(t, s.postings(t, id))
	s.look(t, paid(id, 2))
	s.look(t, paid(id, 3)) // a newer answer with the same money
	require.Equal(t, []string{"1 charge fees 10", "1 charge pending 1040", "1 charge payable -1050"}, s.postings(t, id))
	require.Equal(t, payment.Balance{Pending: 1040, Currency: payment.BRL}, s.balance(t, "shop"))
	require.Equal(t, payment.Balance{Currency: payment.BRL}, s.balance(t, "another client app"))
}

func TestAFeeThatComesLaterIsPosted(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	id := s.open(t, newPayment("later")).ID
	s.look(t, answer(id, payment.Approved, 2))
	require.Equal(t, []string{"1 charge pending 1050", "1 charge payable -1050"}, s.postings(t, id))
	s.look(t, paid(id, 2)) // the same time, and more is known
	require.Equal(t, []string{"2 fee fees 10", "2 fee pending -10"}, s.postings(t, id)[2:])
	s.look(t, answer(id, payment.Approved, 4)) // an answer without a fee says nothing about it
	require.Equal(t, map[payment.Account]int64{"pending": 1040, "fees": 10, "payable": -1050}, s.accounts(t, id))
	events := s.history(t, id)
	require.Equal(t, []payment.Status{payment.Processing, payment.Approved}, events)
}

func TestRefundsArePostedAndReversed(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	id := s.open(t, newPayment("refunds")).ID
	state := paid(id, 2)
	s.look(t, state)
	ours, _, err := s.AskRefund(t.Context(), id, payment.RefundRequest{Amount: 300, IdempotencyKey: "k", Origin: payment.FromClient}, false, audit.Entry{Actor: audit.Actor{Name: "shop"}, Action: "refund", Object: "payment/" + id}, timeAt(3))
	require.NoError(t, err)
	_, err = s.SendOperation(t.Context(), ours.ProviderKey, timeAt(3))
	require.NoError(t, err)
	require.Len(t, s.postings(t, id), 3, "a refund that is asked for moves nothing")

	one := payment.ProviderRefund{ID: "71", Amount: 300, Outcome: payment.OutcomeDone, CreatedAt: timeAt(4)}
	panel := payment.ProviderRefund{ID: "72", Amount: 200, Outcome: payment.OutcomeDone, CreatedAt: timeAt(5)}
	s.look(t, refunded(state, 4, one))
	s.look(t, refunded(state, 5, one, panel))
	require.Equal(t, []string{
		"2 refund refunds 300", "2 refund pending -300", "3 refund refunds 200", "3 refund pending -200",
	}, s.postings(t, id)[3:])
	entries, err := s.Ledger(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, ours.ProviderKey, entries[3].RefundID)
	require.Equal(t, payment.ForeignRefundID(id, "72"), entries[5].RefundID)

	one.Outcome = payment.OutcomeRefused // it was believed, and failed
	s.look(t, refunded(state, 6, one, panel))
	require.Equal(t, []string{"4 refund_reversed pending 300", "4 refund_reversed refunds -300"}, s.postings(t, id)[7:])
	require.Equal(t, map[payment.Account]int64{"pending": 840, "fees": 10, "payable": -1050, "refunds": 200}, s.accounts(t, id))
}

// The sum of an answer counts also when its list of refunds is not complete, and is explained once the list is.
func TestARefundedSumWithoutRefundsIsPosted(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	id := s.open(t, newPayment("sum only")).ID
	state := paid(id, 2)
	s.look(t, state)
	incomplete := state
	incomplete.Status, incomplete.Refunded, incomplete.Net, incomplete.UpdatedAt = payment.PartiallyRefunded, 500, nil, timeAt(3)
	s.look(t, incomplete)
	require.Equal(t, map[payment.Account]int64{"pending": 540, "fees": 10, "payable": -1050, "refunds": 500}, s.accounts(t, id))
	s.look(t, refunded(state, 4, payment.ProviderRefund{ID: "71", Amount: 500, Outcome: payment.OutcomeDone, CreatedAt: timeAt(3)}))
	require.Equal(t, map[payment.Account]int64{"pending": 540, "fees": 10, "payable": -1050, "refunds": 500}, s.accounts(t, id))
	entries, err := s.Ledger(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, payment.CauseRefundReversed, entries[5].Cause)
	require.Equal(t, payment.ForeignRefundID(id, "71"), entries[len(entries)-1].RefundID)
}

func TestADisputeWithholdsTheMoney(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	id := s.open(t, newPayment("dispute")).ID
	state := paid(id, 2)
	s.look(t, state)
	move := func(to payment.Status, second int) {
		state.Status, state.UpdatedAt = to, timeAt(second)
		s.look(t, state)
	}
	move(payment.InDispute, 3)
	require.Equal(t, []string{"2 dispute disputes 1040", "2 dispute pending -1040"}, s.postings(t, id)[3:])
	require.Zero(t, s.balance(t, "shop").Pending)
	move(payment.ChargedBack, 4)
	require.Len(t, s.postings(t, id), 5, "it is withheld already")
	move(payment.Approved, 5)
	require.Equal(t, []string{"3 dispute_reversed pending 1040", "3 dispute_reversed disputes -1040"}, s.postings(t, id)[5:])
}

// What is withheld is lost once the provider says so, which is a detail of the same status; and a loss may still be taken back.
func TestALostChargebackIsALoss(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	id := s.open(t, newPayment("lost")).ID
	state := paid(id, 2)
	s.look(t, state)
	state = refunded(state, 3, payment.ProviderRefund{ID: "71", Amount: 300, Outcome: payment.OutcomeDone, CreatedAt: timeAt(3)})
	s.look(t, state)
	charged := func(detail string, second int) {
		state.Status, state.RawStatus, state.StatusDetail, state.UpdatedAt = payment.ChargedBack, "charged_back", detail, timeAt(second)
		s.look(t, state)
	}
	charged("in_process", 4)
	before := len(s.postings(t, id))
	require.Equal(t, map[payment.Account]int64{"fees": 10, "payable": -1050, "refunds": 300, "disputes": 740}, s.accounts(t, id))
	charged("settled", 5)
	require.Equal(t, []string{"4 dispute_lost losses 740", "4 dispute_lost disputes -740"}, s.postings(t, id)[before:])
	require.Equal(t, map[payment.Account]int64{"fees": 10, "payable": -1050, "refunds": 300, "losses": 740}, s.accounts(t, id))
	require.Zero(t, s.balance(t, "shop").Pending)
	charged("in_process", 6)
	require.Equal(t, []string{"5 dispute_lost_reversed disputes 740", "5 dispute_lost_reversed losses -740"}, s.postings(t, id)[before+2:])
	state.Status, state.StatusDetail, state.UpdatedAt = payment.PartiallyRefunded, "reimbursed", timeAt(7)
	s.look(t, state)
	require.Equal(t, map[payment.Account]int64{"pending": 740, "fees": 10, "payable": -1050, "refunds": 300}, s.accounts(t, id))
	require.EqualValues(t, 740, s.balance(t, "shop").Pending)
}

// Refunds are posted while money is settled. The event says what the ledger has settled, also when a refund came in between.
func TestTheSettlementOfMoneyThatIsRefundedMeanwhileIsTold(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	ids := make([]string, 150)
	for i := range ids {
		ids[i] = s.open(t, newPayment(fmt.Sprint("meanwhile-", i))).ID
		s.look(t, paid(ids[i], 2))
	}
	var settling sync.WaitGroup
	settling.Go(func() {
		for left := len(ids); left > 0; {
			settled, err := s.SettleMoney(context.Background(), timeAt(61), len(ids))
			if !assert.NoError(t, err) {
				return
			}
			left -= len(settled)
		}
	})
	sideBySide(t, 4, func(part int) error {
		for i := part; i < len(ids); i += 4 {
			back := payment.ProviderRefund{ID: fmt.Sprint(7000 + i), Amount: 400, Outcome: payment.OutcomeDone, CreatedAt: timeAt(3)}
			state := refunded(paid(ids[i], 2), 62, back)
			if _, err := s.ApplyLook(context.Background(), ids[i], state, timeAt(62)); err != nil {
				return err
			}
		}
		return nil
	})
	settling.Wait()
	for _, id := range ids {
		told := s.number(t, `select (data -> 'settlement' ->> 'amount')::int from payment_events where payment_id = $1 and data ? 'settlement'`, id)
		require.Equal(t, s.number(t, `select sum(amount)::int from ledger_entries where payment_id = $1 and account = 'available' and cause = 'settlement'`, id), told)
	}
}

func TestMoneyThatIsReleasedIsSettledOnce(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	due, later, disputed := s.open(t, newPayment("due")).ID, s.open(t, newPayment("later")).ID, s.open(t, newPayment("disputed")).ID
	s.look(t, paid(due, 2))
	notYet := paid(later, 2)
	notYet.ReleaseAt = timeAt(600)
	s.look(t, notYet)
	withheld := paid(disputed, 2)
	s.look(t, withheld)
	withheld.Status, withheld.UpdatedAt = payment.InDispute, timeAt(3)
	s.look(t, withheld)

	counts := make([]int, 5)
	sideBySide(t, len(counts), func(i int) error {
		settled, err := s.SettleMoney(context.Background(), timeAt(61), 10)
		counts[i] = len(settled)
		return err
	})
	slices.Sort(counts)
	require.Equal(t, []int{0, 0, 0, 0, 1}, counts)
	require.Equal(t, []string{"2 settlement available 1040", "2 settlement pending -1040"}, s.postings(t, due)[3:])
	require.Equal(t, payment.Balance{Pending: 1040, Available: 1040, Currency: payment.BRL}, s.balance(t, "shop"))
	events, err := s.Events(t.Context(), due, 2, 10)
	require.NoError(t, err)
	require.Len(t, events, 1)
	require.Equal(t, "payment.settled", events[0].Type())
	require.Equal(t, &payment.Settlement{Amount: 1040}, events[0].Data.Settlement)
	require.Equal(t, 1, s.number(t, `select count(*) from outbox where payment_id = $1 and sink = 'events'`, due))
	p := s.read(t, due)
	require.Equal(t, 3, p.Version)

	s.look(t, refunded(paid(due, 2), 62, payment.ProviderRefund{ID: "71", Amount: 1050, Outcome: payment.OutcomeDone, CreatedAt: timeAt(62)}))
	require.Equal(t, map[payment.Account]int64{"available": -10, "fees": 10, "payable": -1050, "refunds": 1050}, s.accounts(t, due), "the fee stays paid")

	withheld.Status, withheld.UpdatedAt = payment.Approved, timeAt(63)
	s.look(t, withheld)
	settled, err := s.SettleMoney(t.Context(), timeAt(64), 10)
	require.NoError(t, err)
	require.Len(t, settled, 1, "the dispute is over")
}

// An old program writes no fee, and knows nothing of the ledger: the triggers post its moves.
func TestPaymentsFromBeforeTheLedgerArePosted(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	old, open := s.open(t, newPayment("old")).ID, s.open(t, newPayment("open")).ID
	s.apply(t, open, answer(open, payment.Pending, 1))
	s.exec(t, `alter table payments disable trigger payments_ledger`)
	s.apply(t, old, answer(old, payment.Approved, 1))
	s.exec(t, `alter table payments enable trigger payments_ledger`)
	require.Empty(t, s.postings(t, old))
	for _, want := range []int{1, 0} {
		posted, more, err := s.PostOldPayments(t.Context(), time.Now().Add(time.Minute))
		require.NoError(t, err)
		require.False(t, more)
		require.Equal(t, want, posted)
	}
	require.Equal(t, []string{"1 charge pending 1050", "1 charge payable -1050"}, s.postings(t, old))
	s.look(t, paid(old, 1))
	require.Equal(t, map[payment.Account]int64{"pending": 1040, "fees": 10, "payable": -1050}, s.accounts(t, old))
}

func (s *Store) exec(t require.TestingT, statement string, args ...any) {
	_, err := s.pool.Exec(context.Background(), statement, args...)
	require.NoError(t, err)
}

func TestEntriesOfTheLedgerStay(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	id := s.open(t, newPayment("stays")).ID
	s.look(t, paid(id, 2))
	refused := func(statement, code string) {
		_, err := s.pool.Exec(t.Context(), statement)
		var pg *pgconn.PgError
		require.ErrorAs(t, err, &pg, statement)
		require.Equal(t, code, pg.Code, statement)
	}
	for _, statement := range []string{
		`update ledger_entries set amount = amount + 1`, `delete from ledger_entries`, `delete from ledger_entries where false`, `truncate ledger_entries`,
	} {
		refused(statement, "42501")
	}
	// What does not sum to zero is refused when the transaction ends, whoever posts it.
	const lonely = `insert into ledger_entries (payment_id, posting, account, client_id, amount, currency, cause)
		select id, 9, 'fees', client_id, 5, currency, 'fee' from payments`
	refused(lonely, "23514")
	s.exec(t, lonely+` union all select id, 9, 'pending', client_id, -5, currency, 'fee' from payments`)
	refused(lonely, "23505")
}

// A move whose posting does not add up is not made: the constraint ends the whole transaction.
func TestAWrongPostingKeepsThePaymentFromMoving(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	id := s.open(t, newPayment("wrong")).ID
	s.exec(t, `create or replace function post_ledger(payment uuid) returns void language sql as $$
		insert into ledger_entries (payment_id, posting, account, client_id, amount, currency, cause)
		select id, 1, 'payable', client_id, -amount, currency, 'charge' from payments where id = payment $$`)
	_, err := s.ApplyLook(t.Context(), id, paid(id, 2), timeAt(30))
	require.ErrorContains(t, err, "does not sum to zero")
	require.Equal(t, payment.Processing, s.read(t, id).Status)
}

// The programs may run as a role that cannot change the ledger even without its trigger: see docs/database.md.
func TestARoleWithoutUpdateAndDeleteIsEnough(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	id := s.open(t, newPayment("role")).ID
	role := "onlywave_programs_" + id[:8]
	s.exec(t, `create role `+role+` nologin`)
	t.Cleanup(func() { s.exec(t, `drop owned by `+role); s.exec(t, `drop role `+role) })
	s.exec(t, `grant select, insert, update, delete on all tables in schema public to `+role)
	s.exec(t, `grant usage on all sequences in schema public to `+role)
	s.exec(t, `revoke update, delete, truncate on ledger_entries, audit from `+role)
	s.exec(t, `alter table ledger_entries disable trigger ledger_stays`)

	err := pgx.BeginFunc(t.Context(), s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), `set local role `+role); err != nil {
			return err
		}
		_, err := s.move(t.Context(), tx, "move", applyState, id, payment.Approved, timeAt(30), answerArgs(id, paid(id, 2), true, timeAt(30)))
		return err
	})
	require.NoError(t, err)
	require.Len(t, s.postings(t, id), 3)
	for _, statement := range []string{`update ledger_entries set amount = 1`, `delete from ledger_entries`, `truncate ledger_entries`} {
		err := pgx.BeginFunc(t.Context(), s.pool, func(tx pgx.Tx) error {
			_, _ = tx.Exec(t.Context(), `set local role `+role)
			_, err := tx.Exec(t.Context(), statement)
			return err
		})
		require.ErrorContains(t, err, "permission denied", statement)
	}
}
