-- What proves beside a password who a user is: the secret of an authenticator app, sealed under a key that is not here, and
-- recovery codes, of which only hashes are kept.

-- +goose Up
alter table users
    add column second_factor text    not null default '', -- sealed; empty: none is set up
    add column last_step     bigint  not null default 0,  -- of the newest code that was used: it is worth nothing again
    add column wrong_codes   integer not null default 0;  -- with the right password, since the last log-in

create table recovery_codes (
    user_name text        not null references users (name) on delete cascade,
    hash      bytea       not null,
    used_at   timestamptz, -- null: not used
    primary key (user_name, hash)
);

-- The last log-ins of a user, which each page of the user's own account shows.
create index audit_log_ins on audit (object, at desc) where action in ('log_in', 'log_in.refused');
