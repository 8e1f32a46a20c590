-- Letters of unknown outcomes are resolved when they were redriven, too; dead_letters_payment finds them as well.

-- +goose Up
drop index dead_letters_unknown;
