-- +goose Up
-- Why a payment failed, for programs to decide by; see internal/failure/code.go. Failures from before have their text only.
alter table payments add column failure_code text not null default '';
