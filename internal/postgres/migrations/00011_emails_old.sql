-- What became of e-mails is not kept for ever: the oldest are found by this. Made beside the running service; one that was
-- interrupted is made anew.

-- +goose NO TRANSACTION
-- +goose Up
drop index concurrently if exists emails_old;
create index concurrently emails_old on emails (at);
