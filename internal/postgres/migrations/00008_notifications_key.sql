-- What a twin of a notification is known by once they are kept by month: its ID and when it was received, which both
-- come in the message itself. Made beside the running service; one that was interrupted is made anew.

-- +goose NO TRANSACTION
-- +goose Up
drop index concurrently if exists webhook_notifications_key;
create unique index concurrently webhook_notifications_key on webhook_notifications (id, received_at);
