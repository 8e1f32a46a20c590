-- What a list is read by, in its own order, so that a page costs the same however long the list is: dead letters and findings
-- whatever their state or kind, and how far reconciliation has come. test/bench/database/results has the plans. Made beside the
-- running service; one that was interrupted is made anew.

-- +goose NO TRANSACTION
-- +goose Up
drop index concurrently if exists dead_letters_any;
create index concurrently dead_letters_any on dead_letters (died_at desc, id desc);
drop index concurrently if exists dead_letters_any_cause;
create index concurrently dead_letters_any_cause on dead_letters (cause, died_at desc, id desc);
drop index concurrently if exists dead_letters_any_fingerprint;
create index concurrently dead_letters_any_fingerprint on dead_letters (fingerprint, died_at desc, id desc);
drop index concurrently if exists dead_letters_closed;
create index concurrently dead_letters_closed on dead_letters (closed_at) where state <> 'open';

drop index concurrently if exists findings_any;
create index concurrently findings_any on findings (id desc) where resolved_at is null;
drop index concurrently if exists findings_totals;
create index concurrently findings_totals on findings (kind, resolved_at);
drop index concurrently if exists reconciliations_come;
create index concurrently reconciliations_come on reconciliations (window_to) where finished_at is not null;
