-- The customers of client apps, and their saved cards. Mercado Pago's vault holds the person and the card; these rows say which client app may
-- use which. Nothing in them is personal: neither the e-mail address nor the holder's name. A row that is removed stays hidden until the
-- vault has removed what it names.

-- +goose Up
create table customers (
    id                   uuid        primary key, -- UUIDv5 of the client app and the provider's id
    client_id            text        not null references clients (id),
    provider_customer_id text        not null, -- one for each e-mail address; other client apps may have it, too
    created_at           timestamptz not null,
    removed_at           timestamptz
);

create index customers_provider on customers (provider_customer_id);

create table customer_cards (
    id               uuid        primary key, -- UUIDv5 of the customer and the provider's id
    customer_id      uuid        not null references customers (id) on delete cascade,
    provider_card_id text        not null,
    brand            text        not null,
    first_six        text        not null,
    last_four        text        not null,
    expires_month    smallint    not null, -- 0: the provider does not show it
    expires_year     smallint    not null,
    created_at       timestamptz not null,
    removed_at       timestamptz
);

create index customer_cards_customer on customer_cards (customer_id);
create index customer_cards_provider on customer_cards (provider_card_id);
