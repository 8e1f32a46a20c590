package postgres

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onlywave/onlywave/internal/tracing"
)

// queryTracer makes a span of each statement, with its text, which has no values: they are sent separately.
type queryTracer struct{}

type spanKey struct{}

func (queryTracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	return statement(ctx, q.SQL)
}

func (queryTracer) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryEndData) {
	ended(ctx, q.Err)
}

func (queryTracer) TraceBatchStart(ctx context.Context, _ *pgx.Conn, b pgx.TraceBatchStartData) context.Context {
	if !tracing.Wanted(ctx) {
		return ctx
	}
	texts := make([]string, len(b.Batch.QueuedQueries))
	for i, q := range b.Batch.QueuedQueries {
		texts[i] = strings.TrimSpace(q.SQL)
	}
	return statement(ctx, "batch "+strings.Join(texts, "; "))
}

func (queryTracer) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

func (queryTracer) TraceBatchEnd(ctx context.Context, _ *pgx.Conn, b pgx.TraceBatchEndData) {
	ended(ctx, b.Err)
}

func statement(ctx context.Context, sql string) context.Context {
	if !tracing.Wanted(ctx) {
		return ctx
	}
	words := strings.Fields(sql)
	ctx, s := tracing.Start(ctx, tracing.Client, "postgres ", verb(words))
	s.Set("db.system.name", "postgresql")
	s.Set("db.query.text", strings.Join(words, " "))
	return context.WithValue(ctx, spanKey{}, s)
}

// verb is what a statement does; with only leads up to it.
func verb(words []string) string {
	first := strings.ToLower(words[0])
	if first == "with" {
		for _, w := range words {
			if w = strings.ToLower(w); w == "insert" || w == "update" || w == "delete" {
				return w
			}
		}
	}
	return first
}

func ended(ctx context.Context, err error) {
	s, _ := ctx.Value(spanKey{}).(tracing.Span)
	s.End(failureOf(err))
}

// failureOf is the server's error code; the server's text may hold values.
func failureOf(err error) string {
	if err == nil || errors.Is(err, pgx.ErrNoRows) {
		return ""
	}
	if said, ok := errors.AsType[*pgconn.PgError](err); ok {
		return said.Code
	}
	return string(kindOf(err))
}
