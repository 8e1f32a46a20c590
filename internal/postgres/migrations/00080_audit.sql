-- What people did: who, from where, what, when, to what, and what it was before and after. Rows are added and stay for good:
-- the triggers refuse everything else, also to us, and prune does not know the table.

-- +goose Up
create table audit (
    id     uuid primary key,
    at     timestamptz not null default clock_timestamp(),
    actor  text        not null check (actor <> ''),
    door   text        not null, -- console, rest or command
    origin text        not null, -- a network address, or the operating system's user of a command
    action text        not null,
    object text        not null, -- kind and id, such as user/ana
    reason text        not null,
    before jsonb       not null, -- values by name; no secrets
    after  jsonb       not null
);

create index audit_list on audit (at desc, id desc);
create index audit_actor on audit (actor, at desc, id desc);
create index audit_object on audit (object, at desc, id desc);

-- +goose StatementBegin
create function refuse_change_of_audit() returns trigger language plpgsql as $$
begin
    raise exception 'rows of the audit are neither changed nor removed' using errcode = 'insufficient_privilege';
end
$$;
-- +goose StatementEnd

create trigger audit_stays before update or delete or truncate on audit
    for each statement execute function refuse_change_of_audit();
