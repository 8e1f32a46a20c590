-- Two stored words change: a finding of kind stranger is an orphan_payment, a dead letter of cause dependency-away is of cause
-- dependency-unavailable. The columns keep their names.
--
-- Processes of the version before go on while this runs, and write the old words until they are replaced. The triggers turn these into
-- the new ones, before conflicts are looked for, so that no row has an old word and nothing that reads needs to know both. What such a
-- process asks for by an old word it does not find: a run of reconciliation that it finishes counts no orphan payments, leaves those
-- open that have come in order, and may find one again that was closed. The next run of a new process counts and resolves them.
-- A later migration may drop the triggers.

-- +goose Up
-- +goose StatementBegin
create function write_orphan_payment() returns trigger language plpgsql as $$
begin
    new.kind := 'orphan_payment';
    return new;
end
$$;

create function write_dependency_unavailable() returns trigger language plpgsql as $$
begin
    new.cause := 'dependency-unavailable';
    return new;
end
$$;
-- +goose StatementEnd

create trigger findings_kind before insert or update of kind on findings
    for each row when (new.kind = 'stranger') execute function write_orphan_payment();
create trigger dead_letters_cause before insert or update of cause on dead_letters
    for each row when (new.cause = 'dependency-away') execute function write_dependency_unavailable();

update findings set kind = 'orphan_payment' where kind = 'stranger';
update dead_letters set cause = 'dependency-unavailable' where cause = 'dependency-away';
