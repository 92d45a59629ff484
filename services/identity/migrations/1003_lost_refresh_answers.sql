-- The answer to a refresh can be lost on its way. The token that nobody received is then replaced: it is used up without
-- ever having been presented.
alter table refresh_token add column superseded boolean not null default false;
