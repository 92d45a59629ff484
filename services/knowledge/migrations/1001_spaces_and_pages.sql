-- Spaces, pages with all their versions, and who may read them.

create extension if not exists pg_trgm;
create extension if not exists unaccent;

-- Word forms of both languages: words of Latin letters are stemmed as English, the others as Russian, and ё is е.
create text search configuration knowledge (copy = russian);
alter text search configuration knowledge
    alter mapping for word, hword, hword_part with unaccent, russian_stem;
alter text search configuration knowledge
    alter mapping for asciiword, asciihword, hword_asciipart with english_stem;

create table space (
    id uuid primary key,
    key text not null,
    name text not null,
    version bigint not null default 1,
    created_by text not null,
    created_at timestamptz not null,
    constraint space_key_unique unique (key),
    constraint space_key_form check (key ~ '^[A-Z][A-Z0-9]{1,19}$')
);

create table space_access (
    space_id uuid not null references space (id),
    -- A role's code, or * for everybody.
    role text not null,
    -- 1 read, 2 write, 3 admin.
    level smallint not null,
    primary key (space_id, role),
    constraint space_access_level_known check (level between 1 and 3)
);

create table page (
    id uuid primary key,
    space_id uuid not null references space (id),
    parent_id uuid references page (id),
    -- The pages above it, from the top; kept by moves. Its last one is the parent.
    path uuid[] not null,
    position int not null,
    title text not null,
    body text not null,
    -- The words of the body without Markdown.
    plain text not null,
    version int not null default 1,
    event_version bigint not null default 1,
    author_id text not null,
    comment text not null default '',
    saved_at timestamptz not null,
    created_at timestamptz not null,
    trashed_at timestamptz,
    trashed_by text,
    -- The page that was deleted and took this one along.
    trashed_with uuid,
    -- Whether page_restriction has rows of level 1 or 2 for it.
    read_restricted boolean not null default false,
    write_restricted boolean not null default false,
    search tsvector generated always as (
        setweight(to_tsvector('knowledge'::regconfig, title), 'A') || setweight(to_tsvector('knowledge'::regconfig, plain), 'B')
    ) stored,
    constraint page_version_from_one check (version >= 1),
    constraint page_path_ends_with_parent check (
        (parent_id is null and cardinality(path) = 0) or (parent_id is not null and path[cardinality(path)] = parent_id)
    ),
    constraint page_never_below_itself check (id <> all (path)),
    constraint page_not_too_deep check (cardinality(path) < 50),
    constraint page_trash_whole check (
        (trashed_at is null and trashed_by is null and trashed_with is null)
        or (trashed_at is not null and trashed_by is not null and trashed_with is not null)
    )
);
create index page_children on page (space_id, parent_id, position, id);
create index page_by_parent on page (parent_id);
create index page_by_path on page using gin (path);
create index page_search on page using gin (search);
create index page_trash on page (space_id, trashed_at desc, id desc) where trashed_at is not null;

create table page_version (
    page_id uuid not null references page (id),
    version int not null,
    title text not null,
    body text not null,
    author_id text not null,
    comment text not null,
    restored_from int,
    saved_at timestamptz not null,
    primary key (page_id, version),
    constraint page_version_positive check (version >= 1)
);

create table page_restriction (
    page_id uuid not null references page (id),
    -- 1 read, 2 write.
    level smallint not null,
    role text not null,
    primary key (page_id, level, role),
    constraint page_restriction_level_known check (level in (1, 2))
);

-- Every word ever written, to find similar ones when somebody mistypes.
create table vocabulary (
    word text primary key
);
create index vocabulary_similar on vocabulary using gin (word gin_trgm_ops);

-- What the holder of some roles may do in a space: 0 nothing, 1 read, 2 write, 3 admin. `held` includes '*'.
create function space_level(of_space uuid, held text[], admin boolean) returns int
language sql stable parallel safe as $$
    select case when admin then 3 else coalesce((
        select max(a.level) from space_access a where a.space_id = of_space and a.role = any (held)), 0) end
$$;

-- What the holder of some roles may do with a page: its space's level, less what the page and those above it restrict.
-- Admins are not restricted; who may not read may not write either. Parameters have names no column has.
create function page_level(of_space uuid, of_page uuid, above uuid[], held text[], admin boolean) returns int
language sql stable parallel safe as $$
    select case
        when s.level in (0, 3) then s.level
        when exists (
            select 1 from page r where (r.id = of_page or r.id = any (above)) and r.read_restricted
            and not exists (select 1 from page_restriction x where x.page_id = r.id and x.level = 1 and x.role = any (held))
        ) then 0
        when s.level = 2 and exists (
            select 1 from page r where (r.id = of_page or r.id = any (above)) and r.write_restricted
            and not exists (select 1 from page_restriction x where x.page_id = r.id and x.level = 2 and x.role = any (held))
        ) then 1
        else s.level
    end
    from (select space_level(of_space, held, admin) as level) s
$$;
