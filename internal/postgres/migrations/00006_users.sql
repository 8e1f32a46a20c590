-- The people who may log in to the console.

-- +goose Up
create table users (
    name          text primary key,
    role          text        not null, -- operator or viewer
    password_hash text        not null, -- argon2id
    generation    uuid        not null, -- of the user's sessions; a new one ends those of the old
    created_at    timestamptz not null
);
