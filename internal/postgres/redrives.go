package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onlywave/onlywave/internal/deadletter"
)

// SurveyDeadLetters counts the open dead letters that the filter chooses.
func (s *Store) SurveyDeadLetters(ctx context.Context, f deadletter.Filter) (deadletter.Survey, error) {
	f.State = deadletter.Open
	where, args := deadLetterConditions(f)
	var survey deadletter.Survey
	var batch pgx.Batch
	batch.Queue(`select now()`).QueryRow(func(row pgx.Row) error { return row.Scan(&survey.At) })
	batch.Queue(`select d.cause, count(*) from dead_letters d `+where+` group by d.cause order by d.cause`, args).Query(func(rows pgx.Rows) (err error) {
		survey.Causes, err = pgx.CollectRows(rows, pgx.RowToStructByPos[deadletter.CauseCount])
		return err
	})
	err := s.pool.SendBatch(ctx, &batch).Close()
	survey.At = survey.At.UTC()
	return survey, interpret("survey dead letters", err)
}

// endSending settles dead letters that were sent and died again before the database knew that they were sent.
const endSending = `
update redrives r set outcome = 'sent'
from dead_letters d
where r.outcome = 'sending' and d.id = r.letter_id and d.state <> 'redriven' and `

// ofRedrive is the condition for the rows of one redrive.
const ofRedrive = `r.redrive_id = $1`

const untried = ` and d.state = 'open' and d.received_at <= @before
      and not exists (select from redrives r where r.redrive_id = @redrive_id and r.letter_id = d.id)`

func takeForRedrive(where string) string {
	return `
with page as (
    select d.id from dead_letters d ` + where + untried + `
    order by d.died_at, d.id
    limit greatest(0, @upto - (select count(*) from redrives where redrive_id = @redrive_id))
    for update
), taken as (
    update dead_letters d
    set state = 'redriven', closed_at = now(), closed_by = @actor, reason = @reason
    from page where d.id = page.id
    returning d.id
)
insert into redrives (redrive_id, letter_id, actor, reason, at, outcome)
select @redrive_id, id, @actor, @reason, now(), 'sending' from taken`
}

const selectSending = selectDeadLetter + `
where exists (select from redrives r where r.redrive_id = $1 and r.letter_id = d.id and r.outcome = 'sending')
order by d.id`

// TakeForRedrive marks dead letters as redriven before they are sent, and returns all that this redrive has yet to send: those that it
// claims now, and those that a killed worker claimed and may not have sent. A second run claims no more than the first.
func (s *Store) TakeForRedrive(ctx context.Context, b deadletter.Batch) ([]deadletter.Message, error) {
	where, args := deadLetterConditions(b.Filter)
	args["redrive_id"], args["actor"], args["reason"], args["before"], args["upto"] = b.RedriveID, b.Actor, b.Reason, b.Before, b.Upto
	var sending []deadletter.Message
	var batch pgx.Batch
	batch.Queue(endSending+ofRedrive, b.RedriveID)
	batch.Queue(takeForRedrive(where), args)
	batch.Queue(selectSending, b.RedriveID).Query(func(rows pgx.Rows) (err error) {
		sending, err = pgx.CollectRows(rows, scanDeadLetter)
		return err
	})
	err := s.pool.SendBatch(ctx, &batch).Close()
	return sending, interpret("take dead letters for redrive "+b.RedriveID, err)
}

const settleSent = `update redrives set outcome = 'sent' where redrive_id = $1 and letter_id = any($2) and outcome = 'sending'`

// settleFailed reopens the dead letters that could not be sent.
const settleFailed = `
with failed as (
    update redrives r set outcome = 'failed', error = f.error
    from unnest($2::uuid[], $3::text[]) f (id, error)
    where r.redrive_id = $1 and r.letter_id = f.id and r.outcome = 'sending'
    returning r.letter_id
)
update dead_letters d
set state = 'open', closed_at = null, closed_by = '', reason = ''
from failed where d.id = failed.letter_id and d.state = 'redriven'`

// reopenUnknown keeps a dead letter open while the outcome is unknown, because the next look at the payment may find nothing.
// Once the outcome is known the dead letter is resolved, in whatever order the two happen.
const reopenUnknown = `
update dead_letters d
set state = 'open', closed_at = null, closed_by = '', reason = ''
from payments p
where d.id = any($1) and d.state = 'redriven' and d.cause = 'unknown-outcome' and p.id = d.payment_id and p.status = 'unknown'`

// SettleRedrive stores what became of the claimed dead letters. Those that failed are open again, with their errors, and so are those
// of an unknown outcome while it is unknown.
func (s *Store) SettleRedrive(ctx context.Context, redriveID string, sent, failed, errors []string) error {
	var batch pgx.Batch
	batch.Queue(settleSent, redriveID, sent)
	batch.Queue(settleFailed, redriveID, failed, errors)
	batch.Queue(reopenUnknown, sent)
	return interpret("settle redrive "+redriveID, s.pool.SendBatch(ctx, &batch).Close())
}

// AbandonRedrive reopens the claimed dead letters that may not have been sent.
func (s *Store) AbandonRedrive(ctx context.Context, redriveID, why string) error {
	var batch pgx.Batch
	batch.Queue(endSending+ofRedrive, redriveID)
	batch.Queue(abandon, redriveID, why)
	return interpret("abandon redrive "+redriveID, s.pool.SendBatch(ctx, &batch).Close())
}

const abandon = `
with failed as (
    update redrives r set outcome = 'failed', error = $2
    where r.outcome = 'sending' and ` + ofRedrive + `
    returning r.letter_id
)
update dead_letters d
set state = 'open', closed_at = null, closed_by = '', reason = ''
from failed where d.id = failed.letter_id and d.state = 'redriven'`

// Redriving lists the redrives that have been sending for at least that long.
func (s *Store) Redriving(ctx context.Context, long time.Duration) ([]string, error) {
	ids, err := readRows(ctx, s.pool, pgx.RowTo[string], `select redrive_id from redrives where outcome = 'sending' group by redrive_id having min(at) < now() - $1::interval`, long)
	return ids, interpret("list redrives that send", err)
}

// countRedrive finds a message that died again in its own dead letter. A payment that died again has a new one, of another run.
const countRedrive = `
select count(*), count(*) filter (where r.outcome = 'sent'), count(*) filter (where r.outcome = 'failed'),
       count(*) filter (where r.outcome = 'sent' and (d.state = 'open' and d.received_at > @before
           or d.source = 'workflow' and exists (
               select from dead_letters n
               where n.payment_id = d.payment_id and n.source = 'workflow' and n.state = 'open' and n.received_at > r.at)))
from redrives r join dead_letters d on d.id = r.letter_id
where r.redrive_id = @redrive_id`

// Standing counts a redrive's dead letters.
func (s *Store) Standing(ctx context.Context, b deadletter.Batch) (deadletter.Progress, error) {
	where, args := deadLetterConditions(b.Filter)
	args["redrive_id"], args["before"] = b.RedriveID, b.Before
	var standing deadletter.Progress
	var batch pgx.Batch
	batch.Queue(countRedrive, args).QueryRow(func(row pgx.Row) error {
		return row.Scan(&standing.Taken, &standing.Sent, &standing.Failed, &standing.DiedAgain)
	})
	batch.Queue(`select count(*) from dead_letters d `+where+untried, args).QueryRow(func(row pgx.Row) error {
		return row.Scan(&standing.Left)
	})
	return standing, interpret("count redrive "+b.RedriveID, s.pool.SendBatch(ctx, &batch).Close())
}

const selectRedrives = `
select redrive_id, letter_id, actor, reason, at, outcome, error
from redrives where letter_id = $1
order by at desc
limit 20`

// Redrives lists the latest redrives of a dead letter, newest first.
func (s *Store) Redrives(ctx context.Context, deadLetterID string) ([]deadletter.Redrive, error) {
	list, err := readRows(ctx, s.pool, func(row pgx.CollectableRow) (deadletter.Redrive, error) {
		r, err := pgx.RowToStructByPos[deadletter.Redrive](row)
		r.At = r.At.UTC()
		return r, err
	}, selectRedrives, deadLetterID)
	return list, interpret("list the redrives of dead letter "+deadLetterID, err)
}
