-- Which API of the provider has made the payment: its ids and calls are those of that API.

-- +goose Up
alter table payments add column provider_api text not null default 'payments';
